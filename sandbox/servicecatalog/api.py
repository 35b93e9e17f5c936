"""One request of the JSON 1.1 protocol: `X-Amz-Target: AWS242ServiceCatalogService.<Operation>`."""

from sandbox import identity
from sandbox.servicecatalog import protocol
from sandbox.servicecatalog.entities import Caller
from sandbox.servicecatalog.errors import CatalogueError
from sandbox.servicecatalog.operations import perform


async def handle(target: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer; `headers` have lower-case names."""
    try:
        called = protocol.operation(target)
        return protocol.answer(perform(called.name, _caller(headers), protocol.parse(called, body)))
    except CatalogueError as error:
        return protocol.refuse(error)


def _caller(headers: dict[str, str]) -> Caller:
    account, arn = identity.caller(headers)
    return Caller(account, identity.region(headers), arn, f"http://{headers.get('host', 'localhost')}")
