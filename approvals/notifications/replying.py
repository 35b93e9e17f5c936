"""Where an answer to a mail goes: into the conversation it is about, where the desk takes mails."""

from __future__ import annotations

from approvals.choices import MessageKind, NoticeCode
from approvals.models import Notice
from approvals.notifications.spoken import message_of
from approvals.replies.addresses import reply_to
from portal.accounts.models import User

CONVERSATION = frozenset({NoticeCode.ASKED, NoticeCode.ANSWERED, NoticeCode.COMMENTED, NoticeCode.MENTIONED})


def reply_address(notice: Notice, reader: User) -> str:
    """Empty where the desk takes no mails, and for mails nobody can answer by mail."""
    if notice.request is None or notice.code not in CONVERSATION or _is_internal(notice):
        return ""
    return reply_to(notice.request, reader)


def _is_internal(notice: Notice) -> bool:
    """What answers a note would be read by the requester."""
    return notice.code == NoticeCode.MENTIONED and message_of(notice).filter(kind=MessageKind.NOTE).exists()
