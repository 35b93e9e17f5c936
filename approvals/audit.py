"""The audit trail: append-only, one hash chain per subject, checkpointed every minute.

Invariant: event n of a chain holds the digest of event n-1, and the chain row holds the digest of the last one;
both are written in the transaction of the happening itself, under the chain's row lock. Hashed content is codes,
ids, numbers and salted digests; personal text lives beside it in AuditText and may be redacted without breaking
a chain. `verify` recomputes everything and names the first row that is wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain as chain_of

from django.db import connection, transaction

from approvals.actor import Actor
from approvals.canonical import digest, sha256_hex
from approvals.models import AuditChain, AuditEvent, AuditText, Checkpoint, Decision, LaunchRequest

OPERATIONS = "operations"
_CHECKPOINT_LOCK = 0x6761_7465  # "gate": one checkpointer at a time
_HEADS_PER_CHECKPOINT = 1000


class Event(StrEnum):
    """The closed vocabulary. To add one: here, a sentence in approvals.sentences, and a test."""

    OPENED = "opened"
    COMPLETED = "completed"
    ANNOUNCED_AGAIN = "announced_again"
    VOTED = "voted"
    APPROVED = "approved"
    REJECTED = "rejected"
    ASKED = "asked"
    ANSWERED = "answered"
    COMMENTED = "commented"
    NOTED = "noted"
    EDITED = "edited"
    CLAIMED = "claimed"
    UNCLAIMED = "unclaimed"
    REMINDED = "reminded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    RETRIED = "retried"
    LET_THROUGH = "let_through"
    DECIDED_BY_LINK = "decided_by_link"
    UPDATER_NAMED = "updater_named"
    BYPASSED = "bypassed"
    SIGNAL_STORED = "signal_stored"
    SIGNAL_GIVEN_UP = "signal_given_up"
    SIGNAL_RETRIED = "signal_retried"
    SIGNAL_NOT_SENT = "signal_not_sent"
    HOLD_ENDED = "hold_ended"
    OUTCOME = "outcome"
    ALARM_RAISED = "alarm_raised"
    ALARM_ACKNOWLEDGED = "alarm_acknowledged"
    QUARANTINE_RETRIED = "quarantine_retried"
    QUARANTINE_DISMISSED = "quarantine_dismissed"
    PLACE_ADDED = "place_added"
    PLACE_SWITCHED_ON = "place_switched_on"
    PLACE_SWITCHED_OFF = "place_switched_off"
    SYNC_ASKED = "sync_asked"
    PUBLICATION_ASKED = "publication_asked"
    PUBLICATION_PLANNED = "publication_planned"
    PUBLICATION_REFUSED = "publication_refused"
    PUBLICATION_CONFIRMED = "publication_confirmed"
    PUBLICATION_CHANGED = "publication_changed"
    TEMPLATE_STORED = "template_stored"
    VERSION_CREATED = "version_created"
    VERSION_READY = "version_ready"
    VERSION_RETIRED = "version_retired"
    PUBLICATION_DONE = "publication_done"
    PUBLICATION_FAILED = "publication_failed"
    PUBLICATION_RESUMED = "publication_resumed"
    PUBLICATION_ABANDONED = "publication_abandoned"
    ROLLOUT_ASKED = "rollout_asked"
    ROLLOUT_CONFIRMED = "rollout_confirmed"
    PERSON_INVITED = "person_invited"
    PERSON_DEACTIVATED = "person_deactivated"
    PERSON_REACTIVATED = "person_reactivated"
    IDENTITIES_FORGOTTEN = "identities_forgotten"
    IDENTITY_CONNECTED = "identity_connected"
    IDENTITY_REMOVED = "identity_removed"
    SECOND_FACTORS_REMOVED = "second_factors_removed"
    ROLE_GIVEN = "role_given"
    ROLE_TAKEN = "role_taken"
    TEAM_JOINED = "team_joined"
    TEAM_LEFT = "team_left"
    TEAM_ADDED = "team_added"
    TEAM_RENAMED = "team_renamed"
    TEAM_MADE_DEFAULT = "team_made_default"
    SENSITIVE_MARKED = "sensitive_marked"
    SENSITIVE_UNMARKED = "sensitive_unmarked"
    REASON_KEPT = "reason_kept"
    REASON_DROPPED = "reason_dropped"


def record(
    subject: LaunchRequest | str,
    code: Event,
    *,
    actor: Actor,
    now: datetime,
    params: Mapping[str, str | int | bool | None] | None = None,
    texts: Mapping[str, str] | None = None,
) -> AuditEvent:
    """Append one event to the subject's chain. Must run inside the transaction of what it records.

    `params` are hashed as they stand: ids, codes and numbers only. `texts` (personal or free text) are hashed
    with a salt and stored beside the chain.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an audit event belongs into the transaction of what it records")
    chain = _locked_chain(subject)
    salted = {name: (secrets.token_hex(16), text) for name, text in (texts or {}).items()}
    event = AuditEvent(
        chain=chain,
        number=chain.length + 1,
        code=code.value,
        params=dict(params or {}) | {f"{name}_digest": _text_digest(*pair) for name, pair in salted.items()},
        actor=actor.person,
        on_behalf_of=actor.on_behalf_of,
        channel=actor.channel,
        at=now,
        previous=chain.head,
    )
    event.digest = _event_digest(event, chain.subject)
    event.save(force_insert=True)
    AuditText.objects.bulk_create(
        AuditText(event=event, name=name, salt=salt, text=text) for name, (salt, text) in salted.items()
    )
    chain.length, chain.head = event.number, event.digest
    chain.save(update_fields=["length", "head"])
    return event


def _locked_chain(subject: LaunchRequest | str) -> AuditChain:
    name = subject if isinstance(subject, str) else f"request:{subject.pk}"
    owner = None if isinstance(subject, str) else subject.pk
    AuditChain.objects.bulk_create([AuditChain(subject=name, request_id=owner)], ignore_conflicts=True)
    return AuditChain.objects.select_for_update(of=("self",)).get(subject=name)


def _text_digest(salt: str, text: str) -> str:
    return sha256_hex(salt + text)


def _event_digest(event: AuditEvent, subject: str) -> str:
    return digest(
        {
            "chain": subject,
            "number": event.number,
            "code": event.code,
            "params": event.params,
            "actor": event.actor_id,
            "on_behalf_of": event.on_behalf_of_id,
            "channel": event.channel,
            "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "previous": event.previous,
        }
    )


def checkpoint(now: datetime) -> int:
    """Chain the heads of all subjects that grew since the last checkpoint. Returns how many heads were taken."""
    taken = 0
    while heads := _one_checkpoint(now):
        taken += heads
        if heads < _HEADS_PER_CHECKPOINT:
            break
    return taken


@transaction.atomic(durable=True)
def _one_checkpoint(now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHECKPOINT_LOCK])
    grown = list(AuditChain.objects.grown().order_by("pk")[:_HEADS_PER_CHECKPOINT])
    if not grown:
        return 0
    last = Checkpoint.objects.order_by("-number").first()
    row = Checkpoint(
        number=last.number + 1 if last else 1,
        heads=[[chain.subject, chain.length, chain.head] for chain in grown],
        at=now,
        previous=last.digest if last else "",
    )
    row.digest = _checkpoint_digest(row)
    row.save(force_insert=True)
    for chain in grown:
        AuditChain.objects.filter(pk=chain.pk).update(checkpointed=chain.length)
    return len(grown)


def _checkpoint_digest(row: Checkpoint) -> str:
    return digest(
        {
            "number": row.number,
            "heads": row.heads,
            "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "previous": row.previous,
        }
    )


@dataclass(frozen=True, slots=True)
class Verification:
    """`first_bad` names the first wrong row in words, or is empty when every row is as it was written."""

    events: int
    chains: int
    last_checkpoint: Checkpoint | None
    first_bad: str = ""


def verify() -> Verification:
    """Recompute every chain and checkpoint from the rows as they stand at one moment: the desk goes on meanwhile."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _verify()


def _verify() -> Verification:
    events = chains = 0
    last = Checkpoint.objects.order_by("-number").first()
    for chain in AuditChain.objects.order_by("pk").iterator():
        chains += 1
        previous, number = "", 0
        for event in chain.events.order_by("number").prefetch_related("texts").iterator(chunk_size=500):
            if problem := _wrong(event, chain, previous, number):
                return Verification(events, chains, last, problem)
            events += 1
            previous, number = event.digest, event.number
        if (chain.length, chain.head) != (number, previous):
            return Verification(
                events, chains, last, f"{chain.subject}: event {number + 1} of {chain.length} is missing"
            )
    return Verification(events, chains, last, next(chain_of(_wrong_checkpoints(), _wrong_decisions()), ""))


def _wrong(event: AuditEvent, chain: AuditChain, previous: str, number: int) -> str:
    where = f"{chain.subject}: event {event.number} (row {event.pk})"
    if event.number != number + 1:
        return f"{chain.subject}: event {number + 1} is missing (row {event.pk} comes next)"
    if event.previous != previous:
        return f"{where} does not follow the one before it"
    if event.digest != _event_digest(event, chain.subject):
        return f"{where} was changed"
    for text in event.texts.all():
        expected = event.params.get(f"{text.name}_digest")
        intact = text.text == "" if text.redacted_at else _text_digest(text.salt, text.text) == expected
        if not intact:
            return f"{where}: its {text.name} was changed"
    return ""


def _wrong_decisions() -> Iterator[str]:
    """A decision is what its audit event says it is, down to the digest that stands in the receipt."""
    events = AuditEvent.objects.filter(code__in=[Event.APPROVED, Event.REJECTED])
    said = {event.params.get("decision"): event.params.get("record") for event in events.only("params").iterator()}
    for decision in Decision.objects.order_by("pk").iterator():
        if not said.get(decision.pk) == decision.record_sha256 == digest(decision.record):
            yield f"decision {decision.pk} of request {decision.request_id} is not the one that was audited"
        if [decision.verdict, decision.approvers] != [decision.record["verdict"], decision.record["approvers"]]:
            yield f"decision {decision.pk} of request {decision.request_id} was changed"


def _wrong_checkpoints() -> Iterator[str]:
    previous, number = "", 0
    for row in Checkpoint.objects.order_by("number").iterator():
        if row.number != number + 1:
            yield f"checkpoint {number + 1} is missing"
        if row.previous != previous or row.digest != _checkpoint_digest(row):
            yield f"checkpoint {row.number} was changed"
        known = {
            (event.chain.subject, event.number): event.digest
            for event in AuditEvent.objects.filter(
                chain__subject__in=[head[0] for head in row.heads],
                number__in=[head[1] for head in row.heads],
            ).select_related("chain")
        }
        for subject, length, head in row.heads:
            if known.get((subject, length)) != head:
                yield f"{subject}: event {length} is not the one that checkpoint {row.number} saw"
        previous, number = row.digest, row.number
