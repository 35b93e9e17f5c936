"""A story: what is done with one product, and how it must end each time.

A script is a generator that yields while it has to wait: all stories run side by side in one thread.
"""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from sandbox.demo.catalogue import DemoProduct, Launch, LaunchRefusedError, as_requester, start_launch
from sandbox.demo.installation import Installation
from sandbox.demo.people import RAVI
from sandbox.problems import ProblemError
from sandbox.smoke.aws.places import Place

PATIENCE = 420.0
AFTERWARDS = 30.0  # seconds the deciding side has to hear of the stack's end
Script = Iterator[None]


class WrongError(ProblemError):
    """Something is not as it must be."""


@dataclass(frozen=True)
class End:
    """Where the stack stood and what was known where it was decided: as it must be, and as it was."""

    wanted: tuple[str, str]
    seen: tuple[str, str]

    @property
    def right(self) -> bool:
        return self.wanted == self.seen


@dataclass
class Story:
    """`given` are the parameters of the launch."""

    title: str
    place: Place
    product: DemoProduct
    script: "Callable[[Story], Script]"
    given: dict[str, str]
    moments: list[tuple[datetime, str]] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    trouble: str = ""
    _launch: Launch | None = None

    @property
    def right(self) -> bool:
        return not self.trouble and bool(self.ends) and all(end.right for end in self.ends)

    @property
    def stack_id(self) -> str:
        if self._launch is None:
            raise WrongError("nothing was launched")
        return self._launch.stack_id

    def note(self, text: str) -> None:
        self.moments.append((datetime.now(UTC), text))

    def launch(self) -> Script:
        """Launch the product as a requester would, and wait until somebody is asked."""
        name = f"smoke-{uuid.uuid4().hex[:8]}"
        self.note("launched")
        self._launch = start_launch(self.place.clients, self.product, RAVI, name, self.given)
        yield from self.asked(1)

    def update(self, **changed: str) -> None:
        """Update to the newest version, with these parameters changed."""
        catalogue = as_requester(self.place.clients, RAVI)("servicecatalog")
        versions = catalogue.describe_product(Name=self.product.name)["ProvisioningArtifacts"]
        kept = [{"Key": key, "UsePreviousValue": True} for key in self.given if key not in changed]
        self.note("updated")
        catalogue.update_provisioned_product(
            ProvisionedProductId=self._launch.provisioned_product_id if self._launch else "",
            ProvisioningArtifactId=max(versions, key=lambda version: version["CreatedTime"])["Id"],
            ProvisioningParameters=[*kept, *({"Key": key, "Value": value} for key, value in changed.items())],
            UpdateToken=str(uuid.uuid4()),
        )

    def asked(self, nth: int) -> Script:
        """Wait for the nth question about the stack."""
        while not (name := self.place.deciding.asked(self.stack_id, nth)):
            yield
        self.note(f"asked {name}")

    def decide(self, verdict: str) -> None:
        try:
            self.place.deciding.decide(self.stack_id, verdict)
        except ProblemError as problem:
            raise WrongError(f"{problem} ({', '.join(self._standing())})") from None
        self.note(verdict)

    def end(self, status: str, verdict: str) -> Script:
        """Wait until the stack has come to rest and the deciding side knows it. Raises WrongError."""
        while self.stack()["StackStatus"].endswith("_IN_PROGRESS"):
            yield
        self.note(self.stack()["StackStatus"])
        wanted, until = (status, self.place.deciding.known(verdict, status)), time.monotonic() + AFTERWARDS
        while (seen := self._standing()) != wanted and time.monotonic() < until:
            yield
        self.ends.append(End(wanted, seen))
        if seen != wanted:
            raise WrongError("it ended otherwise")

    def _standing(self) -> tuple[str, str]:
        return self.stack()["StackStatus"], self.place.deciding.state(self.stack_id)

    def stack(self) -> dict[str, Any]:
        return dict(self.place.cloudformation.describe_stacks(StackName=self.stack_id)["Stacks"][0])

    def resources(self) -> set[str]:
        """The logical ids of what the stack has now."""
        found = self.place.cloudformation.describe_stack_resources(StackName=self.stack_id)["StackResources"]
        return {one["LogicalResourceId"] for one in found if one["ResourceStatus"] != "DELETE_COMPLETE"}

    def check_failed(self, logical_id: str, words: str = "") -> None:
        """This resource was what failed, and these words were the reason. Raises WrongError."""
        events = self.place.cloudformation.describe_stack_events(StackName=self.stack_id)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        ours = [event for event in failed if event["LogicalResourceId"] == logical_id]
        if not any(words in event.get("ResourceStatusReason", "") for event in ours):
            raise WrongError(f"{logical_id} did not fail with {words!r}")
        self.note(f"{logical_id} failed")

    def check_receipt(self) -> None:
        """The stack's receipt is signed with the key of who decides for this account. Raises WrongError."""
        outputs = {output["OutputKey"]: output["OutputValue"] for output in self.stack().get("Outputs", [])}
        header = outputs.get("ApprovalReceipt", "").partition(".")[0]
        signer = json.loads(base64.urlsafe_b64decode(f"{header}==") or b"{}").get("kid", "")
        if signer != self.place.signer:
            raise WrongError("the receipt has another signer")
        self.note(f"receipt of {signer.split(':')[4]}")


def play(installation: Installation, stories: list[Story]) -> None:
    """Run them side by side until all have ended, went wrong or had their time.

    One begins at each turn, from the last to the first: those at the end take longest.
    """
    waiting, running = list(stories), list[tuple[Story, Script]]()
    until = time.monotonic() + PATIENCE
    while (waiting or running) and time.monotonic() < until:
        installation.check()
        if waiting:
            story = waiting.pop()
            running.append((story, story.script(story)))
        running = [(story, script) for story, script in running if _goes_on(story, script)]
        time.sleep(0.1)
    for story in [*waiting, *(story for story, _ in running)]:
        story.trouble = f"not over after {PATIENCE:.0f} s"


def _goes_on(story: Story, script: Script) -> bool:
    """Take the story's next step; whether there are more."""
    try:
        next(script)
    except StopIteration:
        return False
    except (ProblemError, LaunchRefusedError, ClientError, OSError) as problem:
        story.trouble = str(problem)
        return False
    return True
