"""The trail is append-only, and a changed row is found and named."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from approvals import actions, audit
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.models import AuditChain, AuditEvent, AuditText, Checkpoint, LaunchRequest
from portal.clock import now
from tests.support import run
from tests.support.cast import Cast
from tests.support.launches import open_launch


@pytest.fixture
def trail(cloned_db: str, cast: Cast) -> LaunchRequest:
    """A request with a handful of events and a checkpoint, committed."""
    request = open_launch(now())
    desk = Actor(cast.approver, Channel.DESK)
    for text in ("one", "two", "three"):
        actions.note(request.pk, actor=desk, now=now(), text=text)
    actions.reject(request.pk, actor=desk, now=now(), reason="too large")
    audit.checkpoint(now())
    return request


@pytest.fixture
def tamper(cloned_db: str) -> Callable[..., None]:
    """Change rows as somebody with the owner's rights who switched the triggers off."""

    def change(statement: str, *parameters: object) -> None:
        with psycopg.connect(run.postgres().owner_url(cloned_db), autocommit=True) as owner:
            for table in ("approvals_auditevent", "approvals_checkpoint", "approvals_decision"):
                owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            owner.execute(statement, parameters)

    return change


def test_an_untouched_trail_verifies(trail: LaunchRequest) -> None:
    result = audit.verify()
    assert result.first_bad == ""
    assert result.events == AuditEvent.objects.count() > 5
    assert result.last_checkpoint is not None


def test_the_application_role_can_neither_change_nor_remove_an_event(trail: LaunchRequest) -> None:
    for statement in (
        "UPDATE approvals_auditevent SET code = 'approved'",
        "DELETE FROM approvals_auditevent",
        "TRUNCATE approvals_auditevent CASCADE",
        "UPDATE approvals_checkpoint SET digest = ''",
        "UPDATE approvals_audittext SET salt = ''",
        "UPDATE approvals_decision SET reason = 'fine'",
        "DELETE FROM approvals_vote",
        "UPDATE approvals_linkdecision SET verdict = 'approved'",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


def test_even_the_owner_meets_the_trigger(trail: LaunchRequest, cloned_db: str) -> None:
    with (
        psycopg.connect(run.postgres().owner_url(cloned_db)) as owner,
        pytest.raises(psycopg.Error, match="append_only"),
    ):
        owner.execute("UPDATE approvals_auditevent SET code = 'approved'")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE approvals_auditevent SET code = 'approved' WHERE id = %s", "was changed"),
        ("UPDATE approvals_auditevent SET params = '{\"vote\": 7}' WHERE id = %s", "was changed"),
        ("UPDATE approvals_auditevent SET actor_id = NULL WHERE id = %s", "was changed"),
        ("UPDATE approvals_auditevent SET at = at + interval '1 second' WHERE id = %s", "was changed"),
        ("UPDATE approvals_auditevent SET number = number + 100 WHERE id = %s", "is missing"),
    ],
)
def test_a_changed_event_is_named(trail: LaunchRequest, tamper: Callable[..., None], statement: str, says: str) -> None:
    event = trail.audit_chain.events.get(number=3)
    assert event.actor_id is not None
    tamper(statement, event.pk)
    first_bad = audit.verify().first_bad
    assert f"request:{trail.pk}: event 3" in first_bad
    assert says in first_bad


def test_two_swapped_events_are_found(trail: LaunchRequest, tamper: Callable[..., None]) -> None:
    chain = trail.audit_chain.pk
    tamper("UPDATE approvals_auditevent SET number = 1000 WHERE chain_id = %s AND number = 2", chain)
    tamper("UPDATE approvals_auditevent SET number = 2 WHERE chain_id = %s AND number = 3", chain)
    tamper("UPDATE approvals_auditevent SET number = 3 WHERE chain_id = %s AND number = 1000", chain)
    assert "event 2" in audit.verify().first_bad


def test_a_chain_cut_at_its_end_with_its_head_rewritten_is_found_by_the_checkpoint(
    trail: LaunchRequest, tamper: Callable[..., None]
) -> None:
    chain = AuditChain.objects.get(request=trail)
    last, kept = chain.events.get(number=chain.length), chain.events.get(number=chain.length - 1)
    tamper("UPDATE approvals_notice SET event_id = %s WHERE event_id = %s", kept.pk, last.pk)
    tamper("DELETE FROM approvals_audittext WHERE event_id = %s", last.pk)
    tamper("DELETE FROM approvals_auditevent WHERE id = %s", last.pk)
    tamper(
        "UPDATE approvals_auditchain SET length = %s, head = %s WHERE id = %s",
        kept.number,
        kept.digest,
        chain.pk,
    )
    assert f"checkpoint {Checkpoint.objects.count()} saw" in audit.verify().first_bad


def test_a_changed_text_is_found_and_a_redacted_one_is_not(trail: LaunchRequest, tamper: Callable[..., None]) -> None:
    text = AuditText.objects.get(event__chain__request=trail, name="reason")
    AuditText.objects.filter(pk=text.pk).update(text="", redacted_at=now())
    assert audit.verify().first_bad == ""
    tamper("UPDATE approvals_audittext SET text = 'fine', redacted_at = NULL WHERE id = %s", text.pk)
    assert "its reason was changed" in audit.verify().first_bad


def test_a_redaction_cannot_put_other_words_there(trail: LaunchRequest) -> None:
    with pytest.raises(IntegrityError, match="redacted_is_empty"), transaction.atomic():
        AuditText.objects.update(text="forged", redacted_at=now())


@pytest.mark.parametrize("change", ["verdict = 'approved'", "approvers = 3", "record = '{}'", "record_sha256 = 'x'"])
def test_a_changed_decision_is_named(trail: LaunchRequest, tamper: Callable[..., None], change: str) -> None:
    tamper(f"UPDATE approvals_decision SET {change}")  # noqa: S608
    assert f"of request {trail.pk}" in audit.verify().first_bad


def test_a_changed_checkpoint_is_named(trail: LaunchRequest, tamper: Callable[..., None]) -> None:
    tamper("UPDATE approvals_checkpoint SET heads = '[]' WHERE number = 1")
    assert audit.verify().first_bad == "checkpoint 1 was changed"


def test_a_second_checkpoint_takes_only_what_grew(trail: LaunchRequest, cast: Cast) -> None:
    assert audit.checkpoint(now()) == 0
    actions.comment(trail.pk, actor=Actor(cast.requester, Channel.DESK), now=now(), text="why?")
    assert audit.checkpoint(now()) == 1
    assert Checkpoint.objects.count() == 2
    assert audit.verify().first_bad == ""


def test_an_event_outside_a_transaction_is_refused(cloned_db: str) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        audit.record(audit.OPERATIONS, audit.Event.ALARM_RAISED, actor=Actor.system(Channel.TIMER), now=now())
