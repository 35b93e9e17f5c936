"""The accounts: the hub with the desk, a hub without one, and a spoke in another region."""

import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from sandbox.demo import catalogue, hub
from sandbox.demo.catalogue import ClientFactory, DemoProduct
from sandbox.demo.installation import Installation
from sandbox.demo.people import ACCOUNT, REGION
from sandbox.problems import ProblemError
from sandbox.smoke.aws.mail import Mail, letters

STANDALONE, SPOKE = "222233334444", "444455556666"
SPOKE_REGION = "eu-west-1"
MAIL_ADMINISTRATOR = "admin@standalone.example.com"
PATIENCE = 30.0


class Deciding(Protocol):
    """Where somebody decides: at the desk, or with the link in a mail."""

    def asked(self, stack_id: str, nth: int) -> str:
        """What the nth question about the stack is called; empty until it has arrived."""

    def decide(self, stack_id: str, verdict: str) -> None:
        """Answer the newest question: `approved` or `rejected`. Raises ProblemError."""

    def state(self, stack_id: str) -> str:
        """What is known here about the newest question."""

    def known(self, verdict: str, status: str) -> str:
        """What must be known here once the question ended so and the stack has this status."""


@dataclass(frozen=True)
class Place:
    """One account with Gatehouse in it; receipts are signed with the key `signer`."""

    name: str
    account: str
    clients: ClientFactory
    outputs: dict[str, str]
    signer: str
    deciding: Deciding

    @cached_property
    def cloudformation(self) -> Any:
        """Asked again and again: a new client costs more than a question."""
        return self.clients("cloudformation")

    def register(self, products: Iterable[DemoProduct]) -> None:
        """Offer these products here; a text that is new becomes a new version."""
        arns = {"notify_arn": self.outputs["NotifyArn"], "verify_arn": self.outputs["VerifyArn"]}
        catalogue.register(self.clients, **arns, products=products)


def with_desk(installation: Installation, deciding: Deciding) -> Place:
    """The account `make demo` uses."""
    outputs = installation.hub
    return Place("desk", ACCOUNT, installation.clients, outputs, outputs["SigningKeyArn"], deciding)


def standalone(sandbox_url: str) -> Place:
    """A hub without a desk, deployed from the same template; its administrator has confirmed the subscription."""
    clients = hub.clients(sandbox_url, STANDALONE)
    wanted = {"EmailDecisions": "yes", "AdminEmail": MAIL_ADMINISTRATOR, "DevelopmentOrigin": sandbox_url}
    outputs = hub.deployed(clients, **wanted)
    for letter in letters(sandbox_url, MAIL_ADMINISTRATOR):
        urllib.request.urlopen(letter["confirm_url"], timeout=20).close()  # noqa: S310 - the sandbox's own
    deciding = Mail(sandbox_url, MAIL_ADMINISTRATOR, clients("dynamodb"), outputs["DecisionsTable"])
    return Place("mail", STANDALONE, clients, outputs, outputs["EmailKeyArn"], deciding)


def spoke(installation: Installation, deciding: Deciding) -> Place:
    """Another account and region, whose subscription the desk has confirmed. Raises ProblemError."""
    clients = hub.clients(installation.ports.sandbox_url, SPOKE, SPOKE_REGION)
    outputs = hub.deployed(
        clients,
        "spoke",
        HubAccount=ACCOUNT,
        HubRegion=REGION,
        SigningKeyArns=installation.hub["AllowedKeys"],
        DeskUrl=installation.ports.desk_url,
        DevelopmentOrigin=installation.ports.sandbox_url,
    )
    until = time.monotonic() + PATIENCE
    while _pending(clients, outputs["TopicArn"]):
        if time.monotonic() > until:
            raise ProblemError("The desk did not confirm the spoke's subscription.")
        time.sleep(0.2)
    return Place("spoke", SPOKE, clients, outputs, installation.hub["SigningKeyArn"], deciding)


def _pending(clients: ClientFactory, topic: str) -> bool:
    found = clients("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return any(subscription["SubscriptionArn"] == "PendingConfirmation" for subscription in found)
