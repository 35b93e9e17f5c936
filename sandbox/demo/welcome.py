"""What the demo says when it is ready: where to click and who to be."""

from sandbox.demo.cast import cast
from sandbox.demo.installation import Installation
from sandbox.demo.people import ACCOUNT, REGION

TEXT = """
Gatehouse is ready ({seconds:.0f} s).

  The desk      {desk:34} launches wait here for a decision; more come in the first minute
  The console   {console:34} Service Catalog: launch, update, terminate
  The mailbox   {mailbox:34} every mail that the desk and the stacks sent

  Sign in at the desk as
{people}

  Any AWS client can use the sandbox, for example
    AWS_ENDPOINT_URL={sandbox} AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY=x \\
      AWS_DEFAULT_REGION={region} aws servicecatalog search-products-as-admin

  Logs: {logs}
  Ctrl-C stops everything: stacks that still wait then roll back ("sandbox stopped"). `make demo` keeps all else
  and opens fresh launches, `make reset` forgets it.

"""


def welcome(installation: Installation, seconds: float) -> str:
    """The text for the terminal; `seconds` is how long the start took."""
    ports = installation.ports
    people = [
        f"    {person.email:22} {person.password:20} {person.name}, {person.part}" for person in cast(installation.home)
    ]
    return TEXT.format(
        seconds=seconds,
        desk=ports.desk_url,
        console=f"{ports.sandbox_url}/console",
        mailbox=f"{ports.sandbox_url}/mailbox",
        sandbox=ports.sandbox_url,
        account=ACCOUNT,
        region=REGION,
        people="\n".join(people),
        logs=installation.home / "logs",
    )
