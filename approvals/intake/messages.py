"""What an authentic message leads to: one verb, or one observation."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import InterfaceError, OperationalError

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.facts import LaunchFacts, LinkFacts
from approvals.following import outcome
from approvals.intake.envelope import Status, parse
from approvals.intake.strict import NotUnderstood
from approvals.models import LaunchRequest
from approvals.replies import received

INTAKE = Actor.system(Channel.INTAKE)
# Not the message's fault: it must come again.
TROUBLE = (OperationalError, InterfaceError)
_log = logging.getLogger(__name__)


def deliver(raw: str, *, topic_arn: str, now: datetime) -> str:
    """Take what the envelope `raw` says; the empty string when that is committed, else why it cannot be taken.

    Raises only what `TROUBLE` names: then nothing is known to be done.
    """
    try:
        _deliver(raw, topic_arn, now)
    except NotUnderstood as trouble:
        return str(trouble)
    except TROUBLE:
        raise
    except Exception as fault:  # noqa: BLE001 - a fault of ours must not bring a message back for ever
        # Neither the fault's words nor its traceback: they may quote the message.
        _log.error("a message could not be taken", extra={"error": type(fault).__name__})
        return f"Gatehouse failed over it: {type(fault).__name__}."
    return ""


def _deliver(raw: str, topic_arn: str, now: datetime) -> None:
    if topic_arn.endswith(f":{received.TOPIC_NAME}"):
        received.take(raw, now)
        return
    said = parse(raw, topic_arn=topic_arn, now=now)
    if isinstance(said, LaunchFacts):
        if said.hold is None:
            _gate_deleted(said, now)
        else:
            actions.open_request(said, actor=INTAKE, now=now)
    elif isinstance(said, LinkFacts):
        actions.adopt_link_decision(said, actor=INTAKE, now=now)
    elif isinstance(said, Status):
        outcome.observe(said, now=now)
    else:
        outcome.warned(said, now=now)


def _gate_deleted(facts: LaunchFacts, now: datetime) -> None:
    """A Delete we never heard a Create of leaves a closed request; otherwise it depends on the stack.

    Whose a fingerprint is, only a Create proves: what another stack's Delete left behind owns nothing.
    """
    same = LaunchRequest.objects.filter(fingerprint=facts.fingerprint)
    known = same.filter(stack_id=facts.stack_id, gate=facts.gate).order_by("-pk").first()
    if known is None and same.filter(is_complete=True).exists():
        raise NotUnderstood("It is about the gate of one stack and comes from another.")
    if known is None or str(facts.stack.get("status", "")).startswith("DELETE_"):
        actions.close_deleted(facts, actor=INTAKE, now=now)
    else:
        outcome.gate_deleted(known, at=facts.sent_at, now=now)
