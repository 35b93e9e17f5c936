"""Who may do what with a request. Every channel asks here, and the verbs ask again under the row lock."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from approvals import policy
from approvals.choices import AlarmCode, HoldStatus, State
from approvals.errors import Refused, Why
from approvals.lifecycle import Action, next_state
from approvals.models import Alarm, Hold, LaunchRequest, Membership, StageGroup
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
    `is_requester`, because it takes the right to decide away and grants nothing. Uses prefetched principals."""
    if is_requester(person, request):
        return True
    behind = _principals_behind(request)
    names = {request.typed_email.casefold(), *(_name_in(arn).casefold() for arn in behind)}
    return person.email.casefold() in names or not behind.isdisjoint(p.arn for p in person.principals.all())


def _principals_behind(request: LaunchRequest) -> set[str]:
    """Who may have started it. Of an update nobody knows (aws-facts §3.1): until AWS vouches for another person,
    the first launcher counts as well."""
    if request.updater_arn and request.requester_verified:
        return {request.updater_arn}
    return {request.principal_arn, request.updater_arn} - {""}


def _name_in(arn: str) -> str:
    """The session's or the IAM user's name; both may be an e-mail address."""
    return arn.rpartition("/")[2]


def is_disputed(request: LaunchRequest) -> bool:
    """Whether an alarm stands that its stack was announced with other facts: then what is shown here may be forged,
    and a classic gate would let the true launch go on with an approval that was meant for another."""
    return Alarm.objects.filter(
        code=AlarmCode.FACTS_CHANGED, stack_id=request.stack_id, acknowledged_at__isnull=True
    ).exists()


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
    return _Case(person, request).judge(action, now)


def allowed_actions(person: User, request: LaunchRequest, now: datetime) -> frozenset[Action]:
    case = _Case(person, request)
    return frozenset(action for action in _FOR_PEOPLE if case.judge(action, now) is None)


class _Case:
    """One person before one request; each fact is looked up once, however many actions are judged."""

    def __init__(self, person: User, request: LaunchRequest) -> None:
        self.person, self.request = person, request

    @cached_property
    def visible(self) -> bool:
        return LaunchRequest.objects.visible_to(self.person).filter(pk=self.request.pk).exists()

    @cached_property
    def own(self) -> bool:
        return is_own(self.person, self.request)

    @cached_property
    def on_a_team(self) -> bool:
        """Whether any stage of the request, passed or not, is routed to a team in which the person may decide."""
        return LaunchRequest.objects.routed_to(self.person).filter(pk=self.request.pk).exists()

    @cached_property
    def group(self) -> StageGroup | None:
        return deciding_group(self.person, self.request)

    @cached_property
    def has_voted(self) -> bool:
        return self.group is not None and self.group.votes.filter(person=self.person).exists()

    @cached_property
    def hold(self) -> Hold | None:
        return self.request.holds.order_by("-pk").first()

    def judge(self, action: Action, now: datetime) -> Why | None:
        if action not in _FOR_PEOPLE or not self.person.is_active:
            return Why.NOT_ALLOWED
        if not self.visible:
            return Why.NOT_FOUND
        if role := self._role_refuses(action):
            return role
        if next_state(State(self.request.state), action) is None:
            return _why_not_legal(self.request)
        if action in DECIDING and (why := self._why_not_decidable(now)):
            return why
        return Why.DISPUTED if action is Action.APPROVE and is_disputed(self.request) else None

    def _role_refuses(self, action: Action) -> Why | None:
        if action in _FOR_THE_REQUESTER:
            # Somebody typed this address into a form: enough to talk, not enough to stop a stack.
            vouched = self.request.requester_verified or action is not Action.WITHDRAW
            return None if vouched and is_requester(self.person, self.request) else Why.NOT_ALLOWED
        if action is Action.COMMENT:
            concerned = is_requester(self.person, self.request) or self.person.is_administrator or self.on_a_team
            return None if concerned else Why.NOT_ALLOWED
        if self.own:
            return Why.OWN_REQUEST
        if action is Action.NOTE and self.person.is_administrator:
            return None
        return None if self.on_a_team else Why.NOT_ALLOWED

    def _why_not_decidable(self, now: datetime) -> Why | None:
        if self.group is None:
            return Why.NOT_ALLOWED
        if self.has_voted:
            return Why.ALREADY_VOTED
        if self.request.is_parameter_update:
            # What CloudFormation no longer waits for is granted as a pass.
            unusable = self.hold is not None and self.hold.status == HoldStatus.UNUSABLE
            return Why.UNUSABLE if unusable else None
        if self.hold is None or self.hold.status != HoldStatus.OPEN:
            return Why.UNUSABLE
        return Why.DEADLINE_PASSED if self.hold.deadline <= now else None


def _why_not_legal(request: LaunchRequest) -> Why:
    if request.is_open:
        return Why.NOT_LEGAL
    decided = request.state in (State.APPROVED, State.REJECTED)
    return Why.ALREADY_DECIDED if decided else Why.CLOSED


def refusal(why: Why, request: LaunchRequest) -> Refused:
    """The exception with everything its sentence needs."""
    who = ""
    if why is Why.ALREADY_DECIDED:
        link = getattr(request, "link_decision", None)
        who = link.decided_by if link else str(request.decision.decided_by)
    hold = request.holds.order_by("-pk").first()
    reason = hold.unusable_reason or hold.get_status_display() if hold else "it waits for nothing"
    return Refused(why, who=who, state=request.get_state_display(), reason=reason)


def check(person: User, request: LaunchRequest, action: Action, now: datetime) -> None:
    """Raise `Refused` unless the person may do this now."""
    if why := may(person, request, action, now):
        raise refusal(why, request)
