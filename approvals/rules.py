"""Who may do what with a request. Every channel asks here, and the verbs ask again under the row lock."""

from __future__ import annotations

from datetime import datetime

from approvals import policy
from approvals.choices import HoldStatus, State
from approvals.errors import Refused, Why
from approvals.lifecycle import Action, next_state
from approvals.models import LaunchRequest, Membership, StageGroup
from portal.accounts.models import User

DECIDING = frozenset({Action.APPROVE, Action.REJECT})
_FOR_THE_DESK = DECIDING | {Action.ASK, Action.NOTE}
_FOR_THE_REQUESTER = frozenset({Action.ANSWER, Action.WITHDRAW})
_FOR_PEOPLE = _FOR_THE_DESK | _FOR_THE_REQUESTER | {Action.COMMENT}


def is_approver(person: User) -> bool:
    return person.is_active and Membership.objects.filter(person=person, may_decide=True).exists()


def is_requester(person: User, request: LaunchRequest) -> bool:
    """Whether the requester's rights are this person's. Intake decided it (approvals.intake.identity)."""
    return request.requester_id == person.pk


def is_own(person: User, request: LaunchRequest) -> bool:
    """Whether this may be the person's own launch, as far as *anything* we know says so: wider than
    `is_requester`, because it takes the right to decide away and grants nothing."""
    if is_requester(person, request):
        return True
    address = person.email.casefold()
    if address in (request.typed_email.casefold(), _name_in(request.principal_arn).casefold()):
        return True
    return bool(request.principal_arn) and person.principals.filter(arn=request.principal_arn).exists()


def _name_in(arn: str) -> str:
    """The session's or the IAM user's name; both may be an e-mail address."""
    return arn.rpartition("/")[2]


def deciding_group(person: User, request: LaunchRequest) -> StageGroup | None:
    """The group of the current stage through which this person may decide."""
    stage = policy.current_stage(request)
    if stage is None:
        return None
    return (
        stage.groups.filter(team__memberships__person=person, team__memberships__may_decide=True).order_by("pk").first()
    )


def may(person: User, request: LaunchRequest, action: Action, now: datetime) -> Why | None:
    """None when allowed, else why not. The order tells people the most useful reason first."""
    if action not in _FOR_PEOPLE or not person.is_active:
        return Why.NOT_ALLOWED
    if not LaunchRequest.objects.visible_to(person).filter(pk=request.pk).exists():
        return Why.NOT_FOUND
    if role := _role_refuses(person, request, action):
        return role
    if next_state(State(request.state), action) is None:
        return _why_not_legal(request)
    if action in DECIDING:
        return _why_not_decidable(person, request, now)
    return None


def _role_refuses(person: User, request: LaunchRequest, action: Action) -> Why | None:
    if action in _FOR_THE_REQUESTER:
        # Somebody typed this address into a form: enough to talk, not enough to stop a stack.
        vouched = request.requester_verified or action is not Action.WITHDRAW
        return None if vouched and is_requester(person, request) else Why.NOT_ALLOWED
    if action is Action.COMMENT:
        allowed = is_requester(person, request) or person.is_administrator or deciding_team(person, request)
        return None if allowed else Why.NOT_ALLOWED
    if is_own(person, request):
        return Why.OWN_REQUEST
    if action is Action.NOTE and person.is_administrator:
        return None
    return None if deciding_team(person, request) else Why.NOT_ALLOWED


def deciding_team(person: User, request: LaunchRequest) -> bool:
    """Whether any stage of the request, passed or not, is routed to a team in which the person may decide."""
    return LaunchRequest.objects.routed_to(person).filter(pk=request.pk).exists()


def _why_not_legal(request: LaunchRequest) -> Why:
    if request.is_open:
        return Why.NOT_LEGAL
    decided = request.state in (State.APPROVED, State.REJECTED)
    return Why.ALREADY_DECIDED if decided else Why.CLOSED


def _why_not_decidable(person: User, request: LaunchRequest, now: datetime) -> Why | None:
    group = deciding_group(person, request)
    if group is None:
        return Why.NOT_ALLOWED
    if group.votes.filter(person=person).exists():
        return Why.ALREADY_VOTED
    hold = request.holds.order_by("-pk").first()
    if hold is None or hold.status != HoldStatus.OPEN:
        return Why.UNUSABLE
    if hold.deadline <= now:
        return Why.DEADLINE_PASSED
    return None


def allowed_actions(person: User, request: LaunchRequest, now: datetime) -> frozenset[Action]:
    return frozenset(action for action in _FOR_PEOPLE if may(person, request, action, now) is None)


def refusal(why: Why, request: LaunchRequest) -> Refused:
    """The exception with everything its sentence needs."""
    who = ""
    if why is Why.ALREADY_DECIDED:
        who = str(request.decision.decided_by)
    hold = request.holds.order_by("-pk").first()
    reason = hold.unusable_reason or hold.get_status_display() if hold else "it waits for nothing"
    return Refused(why, who=who, state=request.get_state_display(), reason=reason)


def check(person: User, request: LaunchRequest, action: Action, now: datetime) -> None:
    """Raise `Refused` unless the person may do this now."""
    if why := may(person, request, action, now):
        raise refusal(why, request)
