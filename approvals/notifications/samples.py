"""Mails with made-up facts, one for every code and role, for the page that shows them. Needs no rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals import audit
from approvals.choices import AlarmCode, NoticeCode, Outcome, State
from approvals.models import AuditEvent
from approvals.notifications.content import Rendered, written
from approvals.notifications.digest import written_digest
from approvals.notifications.facts import Facts
from approvals.notifications.readers import Role
from approvals.notifications.wishes import ALWAYS
from approvals.sentences import sentence
from portal.accounts.models import User

DIGEST = "digest"
# An administrator and an approver.
_ADA, _AMIR = "Ada Moreau", "Amir Khan"
_DESK, _REQUESTER, _ADMINISTRATOR = (Role.DESK,), (Role.REQUESTER,), (Role.ADMINISTRATOR,)
_BOTH = (Role.DESK, Role.REQUESTER)

# Which mails there are: what happened, who reads it, and the event that says so.
MAILS: dict[NoticeCode, tuple[tuple[Role, ...], audit.Event | None]] = {
    NoticeCode.OPENED: (_DESK, audit.Event.OPENED),
    NoticeCode.ASKED: (_REQUESTER, audit.Event.ASKED),
    NoticeCode.ANSWERED: (_DESK, audit.Event.ANSWERED),
    NoticeCode.COMMENTED: (_BOTH, audit.Event.COMMENTED),
    NoticeCode.MENTIONED: (_BOTH, audit.Event.COMMENTED),
    NoticeCode.DECIDED: (_REQUESTER, audit.Event.APPROVED),
    NoticeCode.EXPIRED: (_REQUESTER, audit.Event.EXPIRED),
    NoticeCode.LAPSED: (_REQUESTER, audit.Event.LAPSED),
    NoticeCode.REMINDED: (_BOTH, audit.Event.REMINDED),
    NoticeCode.WITHDRAWN: (_BOTH, None),
    NoticeCode.ENDED: (_REQUESTER, audit.Event.OUTCOME),
    NoticeCode.INVITED: (_DESK, None),
    NoticeCode.RIGHTS: (_DESK, None),
    NoticeCode.ALARM: (_ADMINISTRATOR, audit.Event.ALARM_RAISED),
}
# Mails that say something else after another end.
ENDS: dict[NoticeCode, tuple[str, ...]] = {
    NoticeCode.DECIDED: ("approved", "rejected"),
    NoticeCode.ENDED: ("launched", "rolled_back"),
}


def kinds() -> list[tuple[str, Role, str]]:
    """Every mail there is: code (or `digest`), role, and how it ended ("" where that makes no difference)."""
    single = [
        (code.value, role, end)
        for code, (roles, _event) in MAILS.items()
        for role in roles
        for end in ENDS.get(code, ("",))
    ]
    return [*single, (DIGEST, Role.DESK, ""), (DIGEST, Role.ADMINISTRATOR, "")]


def sample(code: str, role: Role, end: str, now: datetime) -> Rendered:
    """In the active language and zone."""
    if code == DIGEST:
        told = [one for one in MAILS if role in MAILS[one][0] and (role == Role.ADMINISTRATOR or one not in ALWAYS)]
        return written_digest([(one, _facts(one, role, "", now)) for one in told])
    return written(NoticeCode(code), _facts(NoticeCode(code), role, end, now), always=NoticeCode(code) in ALWAYS)


def _facts(code: NoticeCode, role: Role, end: str, now: datetime) -> Facts:
    ended = code in (NoticeCode.DECIDED, NoticeCode.EXPIRED, NoticeCode.WITHDRAWN, NoticeCode.ENDED)
    said = Facts(
        role=role,
        link=settings.GATEHOUSE_DESK_URL + "/",
        sentence=_sentence(code, end),
        happened_at=now - timedelta(minutes=3),
        number="GH-1042",
        title="WordPress",
        version="v3",
        account="111122223333",
        region="eu-central-1",
        requester="Rita Okafor",
        stack="SC-111122223333-pp-campaign",
        glance=_glance() if role == Role.DESK and not ended else (),
        state=str(State.APPROVED.label if end == "approved" else State.REJECTED.label if end else State.PENDING.label),
        is_open=not ended,
        approved=end == "approved",
        deadline=now + timedelta(hours=5, minutes=30),
        left=None if ended else timedelta(hours=5, minutes=30),
        outcome=str(Outcome(end).label) if code == NoticeCode.ENDED else "",
        launched=end == "launched",
        percent=50,
    )
    return replace(said, **_particular(code, end))


def _particular(code: NoticeCode, end: str) -> dict[str, Any]:
    if code == NoticeCode.ALARM:
        return {"alarm": str(AlarmCode.BYPASS.label)}
    if code == NoticeCode.INVITED:
        return {
            "number": "",
            "title": "",
            "deadline": None,
            "glance": (),
            "inviter": _ADA,
            "team": "Platform approvers",
        }
    if code == NoticeCode.RIGHTS:
        return {"number": "", "title": "", "deadline": None, "glance": ()}
    if code == NoticeCode.LAPSED:
        return {"is_update": True}
    if code in (NoticeCode.ASKED, NoticeCode.ANSWERED, NoticeCode.COMMENTED, NoticeCode.MENTIONED):
        return {"text": _("Which project pays for the larger instances?"), "can_reply": True}
    if end == "rejected":
        return {"text": _("Please use the small instance type for tests.")}
    if end == "rolled_back":
        return {"stack_status": "ROLLBACK_COMPLETE", "stack_reason": "Received FAILURE signal"}
    return {}


def _sentence(code: NoticeCode, end: str) -> str:
    event = audit.Event.REJECTED if end == "rejected" else MAILS[code][1]
    if code == NoticeCode.WITHDRAWN:
        return _("%(who)s withdrew the request") % {"who": "Rita Okafor"}
    if code == NoticeCode.RIGHTS:
        return _("%(who)s made %(whom)s an auditor") % {"who": _ADA, "whom": "Rita Okafor"}
    if event is None:
        return ""
    params = {"code": AlarmCode.BYPASS.value, "outcome": Outcome.LAUNCHED.value, "percent": 50}
    by_people = code not in (NoticeCode.OPENED, NoticeCode.EXPIRED, NoticeCode.REMINDED)
    return sentence(AuditEvent(code=event.value, params=params, actor=User(name=_AMIR) if by_people else None))


def _glance() -> tuple[str, ...]:
    resources = ngettext("%(n)s resource", "%(n)s resources", 12) % {"n": 12}
    return resources, _("The same parameters as the last time")
