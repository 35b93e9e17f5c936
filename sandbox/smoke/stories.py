"""The four launches of `make smoke`, and what has to come of each."""

import json
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.demo.catalogue import DATA_SANDBOX, ClientFactory, as_requester, start_launch
from sandbox.demo.people import RAVI
from sandbox.smoke.browser import Browser
from sandbox.smoke.evidence import Evidence

SHORT = 20  # seconds until a launch that nobody decides expires


@dataclass
class Story:
    """One launch: what is done once the desk shows it, and how both sides must end."""

    title: str
    act: "Callable[[Acting, Story], None]"
    status: str
    state: str
    timeout: int = 600
    stack_id: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    acted: bool = False
    evidence: Evidence = field(default_factory=Evidence)

    def launch(self, client: ClientFactory) -> None:
        """Launch the product as a requester would."""
        name = f"smoke-{self.title.partition(' ')[0]}-{uuid.uuid4().hex[:6]}"
        given = {"UserEmail": RAVI.email, "Purpose": self.title, "ApprovalTimeout": str(self.timeout)}
        self.started = datetime.now(UTC)
        self.stack_id = start_launch(client, DATA_SANDBOX, RAVI, name, given).stack_id

    @property
    def as_expected(self) -> bool:
        return (self.evidence.status, self.evidence.state) == (self.status, self.state)


@dataclass(frozen=True)
class Acting:
    """With whose hands the stories act: an approver at the desk, a requester in AWS."""

    desk: Browser
    client: ClientFactory


def approve(acting: Acting, story: Story) -> None:
    acting.desk.decide(story.evidence.path, "approve")


def reject(acting: Acting, story: Story) -> None:
    acting.desk.decide(story.evidence.path, "reject", text="Please use the shared study environment.")


def let_expire(_acting: Acting, _story: Story) -> None:
    """Nobody does anything."""


def cheat(acting: Acting, story: Story) -> None:
    signal_success(acting.client, story.stack_id)


def signal_success(client: ClientFactory, stack_id: str) -> None:
    """A requester reads the wait URL from his own stack and says yes himself."""
    cloudformation = as_requester(client, RAVI)("cloudformation")
    resources = cloudformation.describe_stack_resources(StackName=stack_id)["StackResources"]
    handle = next(r for r in resources if r["ResourceType"] == "AWS::CloudFormation::WaitConditionHandle")
    said = {"Status": "SUCCESS", "UniqueId": "myself", "Reason": "fine", "Data": "approved"}
    put = urllib.request.Request(  # noqa: S310 - the sandbox's own URL
        handle["PhysicalResourceId"], json.dumps(said).encode(), {"Content-Type": ""}, method="PUT"
    )
    with urllib.request.urlopen(put, timeout=20):  # noqa: S310
        pass


def four() -> list[Story]:
    return [
        Story("approve it", approve, "CREATE_COMPLETE", "approved"),
        Story("reject it", reject, "ROLLBACK_COMPLETE", "rejected"),
        Story("expire it", let_expire, "ROLLBACK_COMPLETE", "expired", timeout=SHORT),
        Story("bypass the desk", cheat, "ROLLBACK_COMPLETE", "bypassed"),
    ]
