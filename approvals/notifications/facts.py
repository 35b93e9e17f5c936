"""What a message about a happening is made of: plain values, taken from the rows when the message is sent.

Templates get these and no model, so a template cannot reach a hold, a URL or a receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from approvals.choices import AlarmCode, Kind, NoticeCode, Outcome, State
from approvals.models import Alarm, LaunchRequest, Membership, Notice, Pass
from approvals.notifications.readers import Role, role_of
from approvals.notifications.replying import reply_address
from approvals.notifications.spoken import message_of
from approvals.notifications.wording import line, lines, requester
from approvals.review.glance import in_words
from approvals.sentences import sentence
from portal import clock
from portal.accounts.models import User

# A deadline this near is told in the subject, as a time of the day.
NEAR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Facts:
    """The context of every mail template. What strangers wrote is in it as `wording` lets it through."""

    role: Role
    link: str
    sentence: str
    happened_at: datetime
    text: str = ""
    number: str = ""
    title: str = ""
    version: str = ""
    account: str = ""
    region: str = ""
    requester: str = ""
    state: str = ""
    is_open: bool = False
    approved: bool = False
    is_update: bool = False
    # Granted when CloudFormation waited no longer: it passes when it is tried again.
    pass_until: datetime | None = None
    deadline: datetime | None = None
    # How long until then; only while it is open and not over.
    left: timedelta | None = None
    outcome: str = ""
    launched: bool = False
    stack_status: str = ""
    stack_reason: str = ""
    # The share of its time after which the desk reminds.
    percent: int = 0
    alarm: str = ""
    inviter: str = ""
    team: str = ""
    named: bool = False
    can_reply: bool = False
    stack: str = ""
    # What whoever decides has to know before anything else, a line each.
    glance: tuple[str, ...] = ()

    @property
    def near(self) -> bool:
        return self.left is not None and self.left < NEAR


def facts(notice: Notice, reader: User, *, brief: bool = False) -> Facts:
    """`brief`: without what costs queries of its own, for one line among many."""
    code, request, params = NoticeCode(notice.code), notice.request, notice.event.params
    common: dict[str, Any] = {
        "role": role_of(reader, code, request),
        "sentence": line(sentence(notice.event)),
        "happened_at": notice.created_at,
        "link": _link(code, request),
        "text": "" if brief else lines(_text(notice)),
        "alarm": str(AlarmCode(params["code"]).label) if code == NoticeCode.ALARM and "code" in params else "",
        "percent": params.get("percent", 0),
        "named": not brief and _named(notice, reader),
        **({} if brief or code != NoticeCode.INVITED else _invitation(notice)),
    }
    if request is None:
        return Facts(**common)
    glance = () if brief else _glance(common["role"], request, reader)
    can_reply = not brief and bool(reply_address(notice, reader))
    return Facts(**common, **_of(request), can_reply=can_reply, glance=glance)


def _glance(role: Role, request: LaunchRequest, reader: User) -> tuple[str, ...]:
    return in_words(request, reader) if role == Role.DESK and request.is_open else ()


def _of(request: LaunchRequest) -> dict[str, Any]:
    left = request.deadline - clock.now() if request.deadline and request.is_open else None
    return {
        "number": request.number,
        "title": line(request.title),
        "version": line(request.coming_version),
        "account": request.account,
        "region": request.region,
        "requester": requester(request),
        "stack": line(request.stack_name),
        "state": str(State(request.state).label),
        "is_open": request.is_open,
        "approved": request.state == State.APPROVED,
        "is_update": request.kind != Kind.LAUNCH,
        "pass_until": _pass_until(request),
        "deadline": request.deadline,
        "left": left if left and left > timedelta(0) else None,
        "outcome": str(Outcome(request.outcome).label),
        "launched": request.outcome == Outcome.LAUNCHED,
        "stack_status": line(request.stack_status),
        "stack_reason": line(request.stack_reason),
    }


def _link(code: NoticeCode, request: LaunchRequest | None) -> str:
    """The one page where its reader can do something about it."""
    if code == NoticeCode.ALARM:
        return settings.GATEHOUSE_DESK_URL + reverse("operations")
    if code == NoticeCode.INVITED:
        return settings.GATEHOUSE_DESK_URL + reverse("account_login")
    return settings.GATEHOUSE_DESK_URL + (request.get_absolute_url() if request else "/")


def _pass_until(request: LaunchRequest) -> datetime | None:
    if request.outcome != Outcome.ROLLED_BACK:
        return None
    granted: Pass | None = getattr(request, "granted_pass", None)
    return granted.valid_until if granted else None


def _text(notice: Notice) -> str:
    """What was written: a message of the conversation, the reason of a decision, the detail of an alarm."""
    params = notice.event.params
    if notice.code == NoticeCode.ALARM:
        return Alarm.objects.filter(pk=params.get("alarm")).values_list("detail", flat=True).first() or ""
    if isinstance(params.get("message"), int):
        return message_of(notice).values_list("text", flat=True).first() or ""
    return notice.event.texts.filter(name="reason").values_list("text", flat=True).first() or ""


def _named(notice: Notice, reader: User) -> bool:
    return message_of(notice).filter(mentioned=reader).exists()


def _invitation(notice: Notice) -> dict[str, str]:
    joined = Membership.objects.filter(person=notice.event.params.get("person")).select_related("team").order_by("-pk")
    newest = joined.first()
    return {"inviter": line(str(notice.event.actor or "")), "team": line(newest.team.name) if newest else ""}
