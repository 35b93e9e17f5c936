"""What a stranger, or a neighbour with a topic of his own, tries at the desk: refused or without effect, and seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals import actions
from approvals.actor import Actor
from approvals.canonical import sha256_hex
from approvals.choices import AlarmCode, Channel, HoldStatus, Outcome, State
from approvals.errors import Refused, Why
from approvals.intake import certificates, consumer
from approvals.models import Alarm, Decision, Hold, LaunchRequest, Quarantined, Refusal, Signal
from portal import clock
from tests.support import envelopes
from tests.support.cast import Cast
from tests.support.sns import Topic

NOW = clock.now().replace(microsecond=0)
NEIGHBOUR = "444455556666"
THEIR_TOPIC = envelopes.TOPIC.replace(envelopes.ACCOUNT, NEIGHBOUR)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def topic(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Topic]:
    """Both accounts are the desk's: the neighbour is one of its own spokes."""
    settings.GATEHOUSE_ACCOUNTS = [envelopes.ACCOUNT, NEIGHBOUR]
    monkeypatch.setattr("approvals.intake.consumer.clock.now", lambda: NOW)
    topic = Topic()
    certificates.forget()
    monkeypatch.setattr(certificates, "_fetch", topic.fetch)
    yield topic
    certificates.forget()


def hear(said: dict[str, Any], through: str = envelopes.TOPIC) -> str:
    """The message arrives at the queue, signed by SNS for the topic it was published to."""
    return consumer.take(Topic().raw(json.dumps(said), NOW, TopicArn=through))


def harmless(opened: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same launch, said to be somebody else's and small. Its fingerprint follows from what it says."""
    small = {"parameters": [envelopes.parameter("InstanceType", "t3.nano")]}
    ravi = {"requester": {"principal_arn": f"{envelopes.SSO}/ravi@example.com", "email": "ravi@example.com"}}
    return envelopes.sealed(opened | small | ravi | changes)


def theirs(now: datetime = NOW) -> dict[str, Any]:
    """A launch in the neighbour's account."""
    return envelopes.launch(now, stack_id=envelopes.new_stack_id().replace(envelopes.ACCOUNT, NEIGHBOUR))


def seen() -> dict[str, int]:
    """What an administrator finds on the operations page: alarms, refusals, and messages that were kept."""
    found = {alarm.code: alarm.times for alarm in Alarm.objects.all()}
    found |= {row.reason: row.times for row in Refusal.objects.all()}
    return found | {row.reason: row.times for row in Quarantined.objects.all()}


NOT_ITS_TOPIC = "Its topic is not of the account and region of its stack."


# A forged envelope for a real stack, through the right topic.


def test_a_forged_envelope_after_the_real_one_changes_nothing_and_is_an_alarm() -> None:
    opened = envelopes.launch(NOW)
    assert hear(opened) == "done"
    assert hear(harmless(opened)) == "done"
    request = LaunchRequest.objects.get()
    assert (request.parameters[0]["value"], request.typed_email) == ("t3.micro", "rita@example.com")
    assert seen() == {AlarmCode.FACTS_CHANGED: 1}


def test_a_forged_envelope_before_the_real_one_cannot_be_approved_unseen(
    cast: Cast, client_for: Callable[[Any], Client]
) -> None:
    """An approval would be meant for facts that are not the stack's, and a classic gate checks no receipt."""
    opened = envelopes.launch(NOW)
    assert [hear(harmless(opened)), hear(opened)] == ["done", "done"]
    request, amir = LaunchRequest.objects.get(), Actor(cast.approver, Channel.DESK)
    assert seen() == {AlarmCode.FACTS_CHANGED: 1}
    desk, approve = client_for(cast.approver), reverse("request_act", args=[request.uuid, "approve"])
    page = desk.get(request.get_absolute_url()).content.decode()
    assert "announced twice with different facts" in page
    assert approve not in page
    with pytest.raises(Refused) as refused:
        actions.approve(request.pk, actor=amir, now=NOW)
    assert refused.value.why == Why.DISPUTED
    assert not Decision.objects.exists()
    actions.acknowledge_alarm(Alarm.objects.get().pk, actor=Actor(cast.administrator, Channel.DESK), now=NOW)
    assert approve in desk.get(request.get_absolute_url()).content.decode()
    actions.approve(request.pk, actor=amir, now=NOW)


def test_a_disputed_launch_can_be_rejected_at_once(cast: Cast) -> None:
    opened = envelopes.launch(NOW)
    assert [hear(harmless(opened)), hear(opened)] == ["done", "done"]
    request = LaunchRequest.objects.get()
    actions.reject(request.pk, actor=Actor(cast.approver, Channel.DESK), now=NOW, reason="Announced twice")
    assert Signal.objects.get().verdict == "rejected"


def test_facts_that_do_not_give_the_fingerprint_are_kept_away_from_the_desk() -> None:
    opened = envelopes.launch(NOW)
    forged = opened | {"requester": {"principal_arn": f"{envelopes.SSO}/ravi@example.com", "email": ""}}
    assert hear(forged) == "quarantined"
    assert not LaunchRequest.objects.exists()
    assert seen() == {"Its fingerprint does not follow from its facts.": 1}


# Another account's topic.


@pytest.mark.parametrize("listed", [True, False])
def test_another_accounts_topic_says_nothing_about_this_accounts_stacks(settings: Any, listed: bool) -> None:
    if not listed:
        settings.GATEHOUSE_ACCOUNTS = [envelopes.ACCOUNT]
    opened = envelopes.launch(NOW)
    assert hear(opened, THEIR_TOPIC) == ("quarantined" if listed else "refused")
    assert not LaunchRequest.objects.exists()
    assert seen() == {NOT_ITS_TOPIC if listed else "topic": 1}
    assert hear(opened) == "done"
    assert LaunchRequest.objects.get().state == State.PENDING, "the real one is not shut out"


def test_another_region_of_the_same_account_is_another_topic() -> None:
    opened = envelopes.launch(NOW)
    assert hear(opened, envelopes.TOPIC.replace("us-east-1", "eu-west-1")) == "refused"
    assert seen() == {"certificate host": 1}
    assert not LaunchRequest.objects.exists()


def test_a_spoke_speaks_for_its_own_stacks() -> None:
    opened = theirs()
    assert hear(opened, THEIR_TOPIC) == "done"
    assert LaunchRequest.objects.get().account == NEIGHBOUR
    assert seen() == {}


# Somebody else's stack through the own topic.


def said_of(opened: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All that may be said of a launch that waits."""
    stack = opened["stack_id"]
    later = NOW + timedelta(seconds=30)
    return {
        "deleted": envelopes.deleted(opened, "DELETE_IN_PROGRESS", NOW),
        "gate deleted": envelopes.deleted(opened, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", NOW),
        "stack gone": envelopes.status(stack, "DELETE_COMPLETE", later),
        "rolled back": envelopes.status(stack, "ROLLBACK_COMPLETE", later),
        "wait over": envelopes.wait_status(stack, "CREATE_COMPLETE", later),
        "bypassed": envelopes.alarm(opened, "bypass", later),
    }


@pytest.mark.parametrize("what", said_of(envelopes.launch(NOW)))
def test_nobody_ends_the_launch_of_another_account(what: str) -> None:
    opened = envelopes.launch(NOW)
    assert hear(opened) == "done"
    assert hear(said_of(opened)[what], THEIR_TOPIC) == "quarantined"
    request = LaunchRequest.objects.get()
    assert (request.state, request.outcome, request.stack_status) == (State.PENDING, Outcome.WAITING, "")
    assert Hold.objects.get().status == HoldStatus.OPEN
    assert seen() == {NOT_ITS_TOPIC: 1}


def test_a_delete_of_an_own_stack_with_anothers_fingerprint_closes_nothing() -> None:
    opened, own = envelopes.launch(NOW), theirs()
    assert [hear(opened), hear(own, THEIR_TOPIC)] == ["done", "done"]
    forged = envelopes.deleted(own, "DELETE_IN_PROGRESS", NOW)
    forged |= {name: opened[name] for name in ("fingerprint", "physical_id")}
    assert hear(forged, THEIR_TOPIC) == "quarantined"
    assert {request.state for request in LaunchRequest.objects.all()} == {State.PENDING}
    assert seen() == {"It is about the gate of one stack and comes from another.": 1}


def test_an_alarm_with_anothers_fingerprint_does_not_end_the_others_launch() -> None:
    opened, own = envelopes.launch(NOW), theirs()
    assert [hear(opened), hear(own, THEIR_TOPIC)] == ["done", "done"]
    hear(envelopes.alarm(own, "bypass", NOW) | {"fingerprint": opened["fingerprint"]}, THEIR_TOPIC)
    assert LaunchRequest.objects.get(account=envelopes.ACCOUNT).state == State.PENDING
    assert [alarm.stack_id for alarm in Alarm.objects.all()] == [own["stack_id"]]


# Another stack's wait URL.


@pytest.mark.parametrize("neighbour", [False, True])
def test_a_launch_with_anothers_wait_url_can_never_release_it(cast: Cast, neighbour: bool) -> None:
    """Approving the harmless launch would let the other one go on."""
    opened = envelopes.launch(NOW)
    assert hear(opened) == "done"
    stack = theirs()["stack_id"] if neighbour else envelopes.new_stack_id()
    forged = envelopes.launch(NOW, stack_id=stack, url=opened["hold"]["url"])
    assert hear(forged, THEIR_TOPIC if neighbour else envelopes.TOPIC) == "done"
    request = LaunchRequest.objects.get(stack_id=stack)
    hold = request.holds.get()
    assert (hold.status, hold.url_encrypted) == (HoldStatus.UNUSABLE, None)
    with pytest.raises(Refused):
        actions.approve(request.pk, actor=Actor(cast.approver, Channel.DESK), now=NOW)
    assert not Signal.objects.exists()
    assert seen() == {AlarmCode.UNUSABLE_HOLD: 1}
    assert LaunchRequest.objects.get(stack_id=opened["stack_id"]).holds.get().status == HoldStatus.OPEN


def test_a_response_url_of_another_stack_is_never_called(cast: Cast) -> None:
    opened, stack = envelopes.launch(NOW), envelopes.new_stack_id()
    host = "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"
    url = f"https://{host}/{opened['stack_id']}%7CApprovalRequest%7Cr-1?X-Amz-Date={NOW:%Y%m%dT%H%M%SZ}&X-Amz-Expires=7200"
    hold = {"kind": "response", "url": url, "handle": "", "wait": "", "timeout": 3600}
    hold |= {"request_id": "r-1", "physical_id": f"gatehouse-{'0' * 64}", "wait_url_sha256": sha256_hex("w")}
    forged = envelopes.launch(NOW, stack_id=stack, status="UPDATE_IN_PROGRESS")
    said = forged | {"event": "Update", "hold": hold}
    hear(said)
    assert not Hold.objects.filter(status=HoldStatus.OPEN).exists()
    assert not Hold.objects.filter(url_encrypted__isnull=False).exists()
    assert len(seen()) == 1


# Where an administrator sees it.


def test_what_was_tried_stands_on_the_operations_page(cast: Cast, client_for: Callable[[Any], Client]) -> None:
    opened = envelopes.launch(NOW)
    hear(opened)
    hear(harmless(opened))
    hear(opened, THEIR_TOPIC)
    hear(opened, THEIR_TOPIC.replace(NEIGHBOUR, "999988887777"))
    page = client_for(cast.administrator).get(reverse("operations")).content.decode()
    for said in (str(AlarmCode.FACTS_CHANGED.label), NOT_ITS_TOPIC, ">topic<"):
        assert said in page
    assert envelopes.CANARY not in page
