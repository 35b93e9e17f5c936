"""Who reads: what they are to the request a mail is about."""

from __future__ import annotations

from enum import StrEnum

from approvals.choices import NoticeCode
from approvals.models import LaunchRequest
from portal.accounts.models import User


class Role(StrEnum):
    REQUESTER = "requester"
    DESK = "desk"
    ADMINISTRATOR = "administrator"


def role_of(reader: User, code: NoticeCode, request: LaunchRequest | None) -> Role:
    if code == NoticeCode.ALARM:
        return Role.ADMINISTRATOR
    is_requester = request is not None and request.requester_id is not None and request.requester_id == reader.pk
    return Role.REQUESTER if is_requester else Role.DESK
