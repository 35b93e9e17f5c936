"""Mail sent through SES goes to the mailbox, whole.

MiniStack keeps mail in memory only, without the headers of a raw message and per account; its own list stays as it is.
It calls an address nobody ever verified `Pending`, where AWS does not mention it.
"""
# ruff: noqa: SLF001 - MiniStack's private names

import base64
from collections.abc import Callable
from contextvars import ContextVar
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from sandbox.mailbox import store
from sandbox.patches.engine import ministack, replace

_raw: ContextVar[Any] = ContextVar("raw", default=None)


class _Sent(list[dict[str, Any]]):
    """SES's list of what was sent; everything appended is delivered."""

    def append(self, record: dict[str, Any]) -> None:
        super().append(record)
        _deliver(record)


def install() -> None:
    """Look over the shoulder of both versions of the API."""
    ses = ministack("services.ses")
    ministack("services.ses_v2")
    sent, parse = ses._sent_emails_list, ses._parse_raw_mime

    def sent_and_delivered() -> list[dict[str, Any]]:
        records = sent()
        if not isinstance(records, _Sent):
            records = _Sent(records)
            ses._sent_emails["entries"] = records
        return cast("list[dict[str, Any]]", records)

    replace(sent, sent_and_delivered)
    replace(parse, _keeping_raw(parse))
    attributes = ses._get_identity_verification_attributes

    def known_attributes(params: dict[str, Any]) -> Any:
        asked = ses._collect_list(params, "Identities.member")
        known = [identity for identity in asked if identity in ses._identities]
        return attributes({f"Identities.member.{number}": [name] for number, name in enumerate(known, 1)})

    replace(attributes, known_attributes)


def _keeping_raw(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def parse_and_keep(raw: Any) -> Any:
        _raw.set(raw)
        return parse(raw)

    return parse_and_keep


def _deliver(record: dict[str, Any]) -> None:
    responses = ministack("core.responses")
    raw, _ = _raw.get(), _raw.set(None)
    message = _message(raw) if raw else None
    to = [*record.get("To", []), *record.get("CC", []), *record.get("BCC", [])]
    if message is not None:
        to = to or [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    store.add(
        "ses",
        record.get("Source") or (str(message.get("From", "")) if message is not None else ""),
        to,
        record.get("RenderedSubject") or record.get("Subject", ""),
        _body(message, "plain") if message is not None else record.get("RenderedBodyText") or record["BodyText"] or "",
        _body(message, "html") if message is not None else record.get("RenderedBodyHtml") or record["BodyHtml"] or "",
        account=responses.get_account_id(),
        region=responses.get_region(),
        message_id=record["MessageId"],
        reply_to=str(message.get("Reply-To", "")) if message is not None else "",
    )


def _message(raw: Any) -> EmailMessage:

    data = base64.b64decode(raw) if isinstance(raw, str) else raw
    return message_from_bytes(data, policy=policy.default)


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
