"""What happens in the stories, and which there are."""

from sandbox.demo.catalogue import DATA_SANDBOX, DemoProduct
from sandbox.demo.people import RAVI
from sandbox.smoke import stories as forged
from sandbox.smoke.aws.places import Place
from sandbox.smoke.aws.story import Script, Story, WrongError
from sandbox.smoke.stories import SHORT

UPDATE_WAITS = 120  # seconds an update is held; a twentieth less for the desk, which looks every two
TEXTS = ("Web platform team", "For the smoke test.", True)
CLASSIC = DemoProduct("Classic WordPress", "wordpress-classic.yaml", *TEXTS)
HASTY = DemoProduct(
    "Hasty WordPress", "wordpress-classic.yaml", *TEXTS, changes=(("Timeout: '42600'", f"Timeout: '{SHORT}'"),)
)
CONDITION = """
Conditions:
  Breaks: !Equals [!Ref Purpose, break]

Resources:
  Broken:
    Type: Custom::Broken
    Condition: Breaks
    DependsOn: ApprovalReceiptV1
    Properties:
      ServiceToken: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:nowhere
"""
BREAKABLE = DemoProduct("Breakable sandbox", "data-sandbox.yaml", *TEXTS, changes=(("\nResources:\n", CONDITION),))


def approve(story: Story) -> Script:
    yield from story.launch()
    story.decide("approved")
    yield from story.end("CREATE_COMPLETE", "approved")
    if story.product.template == DATA_SANDBOX.template:
        story.check_receipt()


def reject(story: Story) -> Script:
    yield from story.launch()
    story.decide("rejected")
    yield from story.end("ROLLBACK_COMPLETE", "rejected")


def let_expire(story: Story) -> Script:
    yield from story.launch()
    yield from story.end("ROLLBACK_COMPLETE", "expired")


def forge(story: Story) -> Script:
    """The requester reads the wait URL from his own stack and says yes himself."""
    yield from story.launch()
    forged.signal_success(story.place.clients, story.stack_id)
    story.note("forged a signal")
    yield from story.end("ROLLBACK_COMPLETE", "bypassed")


def new_version(story: Story, verdict: str, status: str, version: str) -> Script:
    """The second version has a gate of its own; what remains in the stack is that of the version that stands."""
    yield from approve(story)
    changes = (("V1", "V2"),)
    story.place.register([DemoProduct(story.product.name, story.product.template, *TEXTS, changes=changes)])
    story.update()
    yield from story.asked(2)
    story.decide(verdict)
    yield from story.end(status, verdict)
    gates = {name for name in story.resources() if name.startswith("Approval")}
    if len(gates) != 4 or not all(name.endswith(version) for name in gates):
        raise WrongError(f"the stack has the gate {', '.join(sorted(gates))}")
    story.note(f"its gate is {version}")


def new_version_approved(story: Story) -> Script:
    return new_version(story, "approved", "UPDATE_COMPLETE", "V2")


def new_version_rejected(story: Story) -> Script:
    return new_version(story, "rejected", "UPDATE_ROLLBACK_COMPLETE", "V1")


def change_approved(story: Story) -> Script:
    yield from changed(story, "approved", "UPDATE_COMPLETE")
    story.check_receipt()


def change_rejected(story: Story) -> Script:
    return changed(story, "rejected", "UPDATE_ROLLBACK_COMPLETE")


def change_breaks(story: Story) -> Script:
    yield from changed(story, "approved", "UPDATE_ROLLBACK_COMPLETE", purpose="break")
    story.check_failed("Broken")


def changed(story: Story, verdict: str, status: str, purpose: str = "more data") -> Script:
    """A parameter alone is changed and the change decided while CloudFormation waits."""
    yield from approve(story)
    story.update(Purpose=purpose)
    yield from story.asked(2)
    story.decide(verdict)
    yield from story.end(status, verdict)


def change_late(story: Story) -> Script:
    """Nobody decides in time; granted afterwards, the same change passes when it is tried again."""
    yield from approve(story)
    story.update(Purpose="more data")
    yield from story.asked(2)
    yield from story.end("UPDATE_ROLLBACK_COMPLETE", "pending")
    story.check_failed("ApprovalRequestV1", "Approval asked. Retry this update when it is granted.")
    story.decide("approved")
    yield from story.end("UPDATE_ROLLBACK_COMPLETE", "approved")
    story.update(Purpose="more data")
    yield from story.end("UPDATE_COMPLETE", "approved")
    if story.place.deciding.asked(story.stack_id, 3):
        raise WrongError("it was asked a third time")
    story.check_receipt()


def all_stories(desk: Place, mail: Place, spoke: Place) -> list[Story]:
    """In the order of their numbers."""
    growing, ageing = (DemoProduct(f"{word} sandbox", "data-sandbox.yaml", *TEXTS) for word in ("Growing", "Ageing"))
    late = receipt(UpdateTimeout=UPDATE_WAITS)
    return [
        *launches(desk, "desk"),
        *launches(mail, "no desk"),
        Story("desk: version update, approved", desk, growing, new_version_approved, receipt()),
        Story("desk: version update, rejected", desk, ageing, new_version_rejected, receipt()),
        Story("desk: parameter update, approved in time", desk, DATA_SANDBOX, change_approved, receipt()),
        Story("desk: parameter update, rejected", desk, DATA_SANDBOX, change_rejected, receipt()),
        Story("desk: parameter update, late, then passed", desk, DATA_SANDBOX, change_late, late),
        Story("desk: parameter update, fails elsewhere", desk, BREAKABLE, change_breaks, receipt()),
        Story("desk: receipt gate in a spoke, approved", spoke, DATA_SANDBOX, approve, receipt()),
        Story("desk: receipt gate, a forged SUCCESS", desk, DATA_SANDBOX, forge, receipt()),
    ]


def launches(place: Place, where: str) -> list[Story]:
    """Both gates, each approved, rejected and left alone."""
    brief = receipt(ApprovalTimeout=SHORT)
    return [
        Story(f"{where}: classic gate, approved", place, CLASSIC, approve, classic()),
        Story(f"{where}: classic gate, rejected", place, CLASSIC, reject, classic()),
        Story(f"{where}: classic gate, expired", place, HASTY, let_expire, classic()),
        Story(f"{where}: receipt gate, approved", place, DATA_SANDBOX, approve, receipt()),
        Story(f"{where}: receipt gate, rejected", place, DATA_SANDBOX, reject, receipt()),
        Story(f"{where}: receipt gate, expired", place, DATA_SANDBOX, let_expire, brief),
    ]


def classic() -> dict[str, str]:
    return {"UserEmail": RAVI.email, "DBPassword": "smoketest0"}


def receipt(**seconds: int) -> dict[str, str]:
    waits = {"ApprovalTimeout": 600, "UpdateTimeout": 600} | seconds
    return {"UserEmail": RAVI.email, "Purpose": "smoke", **{name: str(value) for name, value in waits.items()}}
