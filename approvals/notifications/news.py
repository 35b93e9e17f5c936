"""Whether a happening is still news for its reader when its turn comes: a call to do what was done meanwhile is not,
nor is what they may no longer see."""

from __future__ import annotations

from collections.abc import Iterable

from approvals.choices import NoticeCode, State
from approvals.models import LaunchRequest, Notice
from approvals.notifications.readers import Role, role_of
from approvals.notifications.wishes import NOT_WANTED, is_always, is_last_call
from portal.accounts.models import MailWish, User

_CALLS = frozenset({NoticeCode.OPENED, NoticeCode.ASKED, NoticeCode.REMINDED})
MAY_NOT_SEE = "may_not_see"


def moot(notice: Notice, reader: User) -> str:
    """Why it is not sent after all; empty while it is to be sent."""
    if reader.mail_wish == MailWish.NONE and not is_always(notice, reader):
        return NOT_WANTED
    return "overtaken" if overtaken(notice, reader) else ""


def hidden(notices: Iterable[Notice], reader: User) -> set[int]:
    """Keys of the requests they are about that this person may not see by now, in one query whatever their number."""
    about = {one.request_id for one in notices if one.request_id is not None}
    if not about:
        return set()
    return about - set(LaunchRequest.objects.visible_to(reader).filter(pk__in=about).values_list("pk", flat=True))


def overtaken(notice: Notice, reader: User) -> bool:
    """Whether it is no longer news for this reader (think of an outage, or of a digest)."""
    request = notice.request
    if request is None or notice.code not in _CALLS:
        return False
    if notice.code == NoticeCode.ASKED:
        return request.state != State.NEEDS_INFO
    return not request.is_open or (notice.code == NoticeCode.REMINDED and not _is_turn_of(notice, request, reader))


def _is_turn_of(notice: Notice, request: LaunchRequest, reader: User) -> bool:
    """While an answer is awaited it is the requester's turn; at the last rung the desk's as well."""
    waits_for_answer = request.state == State.NEEDS_INFO
    if role_of(reader, NoticeCode.REMINDED, request) == Role.REQUESTER:
        return waits_for_answer
    return not waits_for_answer or is_last_call(notice)
