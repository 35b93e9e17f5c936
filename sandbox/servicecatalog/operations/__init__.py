"""Service Catalog's operations by subject: each a function from a call to the members of AWS's response."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from sandbox.servicecatalog import trail
from sandbox.servicecatalog.engine import Engine
from sandbox.servicecatalog.entities import Caller
from sandbox.servicecatalog.errors import CatalogueError, UnknownOperationError
from sandbox.servicecatalog.following import follow
from sandbox.servicecatalog.store import Catalogue, catalogue

SUBJECTS = (
    "portfolios",
    "shares",
    "products",
    "artifacts",
    "constraints",
    "launching",
    "provisioning",
    "provisioned",
    "records",
)
_READS = ("Describe", "List", "Search", "Scan", "Get")


@dataclass(frozen=True)
class Call:
    """One request: which operation, by whom, with what, against which catalogue."""

    operation: str
    caller: Caller
    params: dict[str, Any]
    catalogue: Catalogue
    engine: Engine

    def text(self, name: str) -> str:
        """A string member; empty when it was not sent."""
        return str(self.params.get(name, ""))


Handler = Callable[[Call], dict[str, Any]]
_handlers: dict[str, Handler] = {}


def operation(handler: Handler) -> Handler:
    """Register `describe_record` as `DescribeRecord`."""
    _handlers["".join(word.capitalize() for word in handler.__name__.split("_"))] = handler
    return handler


@cache
def supported() -> frozenset[str]:
    """The names of all operations the sandbox plays."""
    for subject in SUBJECTS:
        import_module(f"{__name__}.{subject}")
    return frozenset(_handlers)


def perform(name: str, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Carry out one operation with members that satisfy AWS's model; raises CatalogueError."""
    if name not in supported():
        raise UnknownOperationError(f"The sandbox does not play the operation {name}.")
    place = (caller.account, caller.region)
    call = Call(name, caller, params, catalogue(*place), Engine(*place))
    changed = follow(call.catalogue, call.engine)
    answer, refused = None, ""
    try:
        answer = _handlers[name](call)
    except CatalogueError as error:
        refused = error.code
        raise
    finally:
        trail.record(caller, name, params, answer, refused)
        if changed or not name.startswith(_READS):
            call.catalogue.save()
    return answer
