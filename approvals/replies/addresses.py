"""Addresses people reply to: `reply+<token>@GATEHOUSE_REPLY_DOMAIN`, one for every request and person.

Invariant: the token names the request and the person and cannot be made without the desk's secret key. It is not
enough: the mail has to come from that person's address, and they may do by it what they may do at the desk. The local
part has 64 characters, the most there may be, in letters whose case nobody needs to keep.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from approvals.models import LaunchRequest
from portal.accounts.models import User

_SALT = "approvals.replies.addresses"
_PERSON_BYTES, _SEAL_BYTES = 5, 15
_TOKEN = re.compile(r"reply\+([a-z2-7]{58})")


def are_on() -> bool:
    return bool(settings.GATEHOUSE_REPLY_DOMAIN and settings.GATEHOUSE_MAIL_BUCKET)


def reply_to(request: LaunchRequest, person: User) -> str:
    """Where this person answers about this request; the empty string where the desk takes no mails."""
    if not are_on():
        return ""
    said = request.uuid.bytes + person.pk.to_bytes(_PERSON_BYTES, "big")
    token = base64.b32encode(said + _seal(said, settings.SECRET_KEY)).decode().rstrip("=").lower()
    return f"reply+{token}@{settings.GATEHOUSE_REPLY_DOMAIN}"


def read(address: str) -> tuple[UUID, int] | None:
    """(uuid of the request, id of the person) for whom the desk made this address; None for any other."""
    local, _, domain = address.strip().lower().rpartition("@")
    found = _TOKEN.fullmatch(local)
    if not found or domain != settings.GATEHOUSE_REPLY_DOMAIN:
        return None
    try:
        raw = base64.b32decode(found[1].upper() + "======")
    except binascii.Error:
        return None
    said, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not any([hmac.compare_digest(seal, _seal(said, key)) for key in keys]):  # noqa: C419 - always all of them
        return None
    return UUID(bytes=said[:16]), int.from_bytes(said[16:], "big")


def _seal(said: bytes, key: str) -> bytes:
    return salted_hmac(_SALT, said, secret=key, algorithm="sha256").digest()[:_SEAL_BYTES]
