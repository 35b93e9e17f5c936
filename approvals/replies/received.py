"""What SES says about a mail it has stored (documented at "Contents of notifications for Amazon SES email receiving").

Invariant: the row is written once per stored mail for somebody, whoever repeats the message. Only what SES itself found
out is believed here: where it stored the mail, for which address it came, and its verdicts; the mail is read by the
worker.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from approvals import hints, outbox
from approvals.intake.refusals import refuse
from approvals.intake.strict import NotUnderstood, loads
from approvals.models import InboundMail, LaunchRequest
from approvals.replies import addresses
from approvals.replies.results import Result
from portal.accounts.models import User

TOPIC_NAME = "gatehouse-inbound-mail"
PREFIX, DOOR = "inbound/", "mail"
_LIMIT = 288 * 1024
_PASSED, _FAILED = "PASS", "FAIL"
# SES found nothing, or could not say; what it could not look at is not taken.
_CLEAN = frozenset({_PASSED, "GRAY", "DISABLED"})


def take(raw: str, now: datetime) -> None:
    """Keep the mail for the worker, or only why it is refused. Raises NotUnderstood."""
    said = loads(raw, limit=_LIMIT)
    if said.get("notificationType") != "Received":
        raise NotUnderstood("It is not about a mail that was received.")
    mail, receipt = _part(said, "mail"), _part(said, "receipt")
    key = _key(_part(receipt, "action"))
    if (whom := _whom(receipt)) is None:
        # Anybody may write to such an address, as often as they like: it is counted, and leaves no row.
        refuse(Result.ADDRESS.value, door=DOOR, now=now)
        return
    request, person = whom
    result = _judged(mail, receipt, person)
    row = InboundMail(key=key, result=result, received_at=now, next_attempt_at=now, request=request, person=person)
    with transaction.atomic(durable=True):
        if InboundMail.objects.filter(key=key).exists():
            return
        InboundMail.objects.bulk_create([row], ignore_conflicts=True)
        if result is Result.QUEUED:
            outbox.hint_on_commit(hints.Hint.REPLIES)
    if result is not Result.QUEUED:
        refuse(result.value, door=DOOR, now=now)


def _key(action: dict[str, Any]) -> str:
    key = action.get("objectKey")
    if action.get("type") != "S3" or action.get("bucketName") != settings.GATEHOUSE_MAIL_BUCKET:
        raise NotUnderstood("Its mail is not in the bucket GATEHOUSE_MAIL_BUCKET.")
    if not isinstance(key, str) or not key.startswith(PREFIX) or len(key) > 1024 or not key.isprintable():
        raise NotUnderstood("Its mail is not where mails are stored.")
    return key


def _whom(receipt: dict[str, Any]) -> tuple[LaunchRequest, User] | None:
    """The request and the person of the first address that is one of ours, if both are still there."""
    recipients = receipt.get("recipients")
    for address in recipients[:20] if isinstance(recipients, list) else []:
        if isinstance(address, str) and (found := addresses.read(address)):
            request = LaunchRequest.objects.filter(uuid=found[0]).only("pk").first()
            person = User.objects.filter(pk=found[1]).first()
            return (request, person) if request and person else None
    return None


def _judged(mail: dict[str, Any], receipt: dict[str, Any], person: User) -> Result:
    if not {_verdict(receipt, "spam"), _verdict(receipt, "virus")} <= _CLEAN:
        return Result.SPAM
    source = mail.get("source")
    if not isinstance(source, str) or "@" not in source:
        # Nobody to send it back to: that is how machines complain.
        return Result.AUTOMATIC
    if not _is_proven(receipt, source, person):
        return Result.UNPROVEN
    return Result.QUEUED if _author(mail) == person.email.lower() else Result.SENDER


def _is_proven(receipt: dict[str, Any], source: str, person: User) -> bool:
    """DMARC passed; or, where it says nothing, SPF and DKIM did, for the very domain of the person's own address.

    Without DMARC they may have passed for anybody's domain, and the mail may still name the person as its sender.
    """
    dmarc = _verdict(receipt, "dmarc")
    if dmarc in (_PASSED, _FAILED):
        return dmarc == _PASSED
    proven, own = (address.rpartition("@")[2].strip(" >").lower() for address in (source, person.email))
    return proven == own and _verdict(receipt, "spf") == _verdict(receipt, "dkim") == _PASSED


def _author(mail: dict[str, Any]) -> str:
    """The one address SES read in From; the worker reads it again in the mail itself, and both must be the person's."""
    common = mail.get("commonHeaders")
    authors = common.get("from") if isinstance(common, dict) else None
    if not isinstance(authors, list) or len(authors) != 1 or not isinstance(authors[0], str):
        return ""
    name, bracket, address = authors[0].strip().rpartition("<")
    return (address.removesuffix(">") if bracket else name + address).strip().lower()


def _verdict(receipt: dict[str, Any], of: str) -> str:
    said = receipt.get(f"{of}Verdict")
    status = said.get("status") if isinstance(said, dict) else None
    return status if isinstance(status, str) else ""


def _part(said: dict[str, Any], name: str) -> dict[str, Any]:
    part = said.get(name)
    if not isinstance(part, dict):
        raise NotUnderstood(f"It says nothing of its {name}.")
    return part
