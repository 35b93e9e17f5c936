"""What the requester can do when a launch has ended otherwise than wished. Every sentence is true to AWS
(aws-facts §3.2: after a denial the stack is ROLLBACK_COMPLETE and the provisioned product stays in ERROR) and to
the desk: only an update of parameters that was granted has a pass; everything else is asked anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from approvals.choices import Kind, Outcome, State
from approvals.models import LaunchRequest, Pass
from catalog import console


@dataclass(frozen=True, slots=True)
class Advice:
    """`steps` are in order; `links` are (label, URL) in AWS. The reason of a decision stands beside its state."""

    title: str
    steps: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def advice(launch: LaunchRequest, now: datetime) -> Advice | None:
    """None while nothing has to be done."""
    state, outcome = State(launch.state), Outcome(launch.outcome)
    granted: Pass | None = getattr(launch, "granted_pass", None)
    if granted is not None and granted.holds(now) and outcome is Outcome.ROLLED_BACK:
        return Advice(_("Try the update again"), _with_pass(), _links(launch, anew=False))
    if state.is_open or _went_well(state, outcome) or outcome is Outcome.TERMINATED:
        return None
    steps = (*_talk(launch, state), *(_again(launch) if launch.kind == Kind.LAUNCH else _update_again(launch)))
    return Advice(_title(state), steps, _links(launch, anew=launch.kind == Kind.LAUNCH))


def _went_well(state: State, outcome: Outcome) -> bool:
    went_on = outcome in (Outcome.WAITING, Outcome.RELEASED, Outcome.LAUNCHED)
    return went_on if state is State.APPROVED else outcome is Outcome.LAUNCHED


def _title(state: State) -> str:
    return {
        State.REJECTED: _("It was rejected. What you can do now"),
        State.EXPIRED: _("Nobody decided in time. What you can do now"),
        State.WITHDRAWN: _("It was withdrawn. If you still need it"),
        State.BYPASSED: _("It ended without the desk. What you can do now"),
    }.get(state, _("It was approved, but not built. What you can do now"))


def _talk(launch: LaunchRequest, state: State) -> tuple[str, ...]:
    """Whom to ask, and where."""
    if state is State.REJECTED:
        decision = getattr(launch, "decision", None)
        if decision is None or hasattr(launch, "link_decision"):
            return (_("Ask under Conversation what would have to be different; the approvers read it."),)
        who = _("Ask %(who)s under Conversation what would have to be different; the approvers read it.")
        return (who % {"who": decision.decided_by},)
    if state is State.EXPIRED:
        return (
            _(
                "It was not refused: nobody had the time. Tell the team that decides that it will come again; "
                "under Conversation they read it."
            ),
        )
    if state is State.BYPASSED:
        return (_("Ask the administrators of the desk what happened; they have been told."),)
    if state is State.APPROVED:
        return (_("The stack’s events in CloudFormation say what went wrong; correct that first."),)
    return ()


def _again(launch: LaunchRequest) -> tuple[str, ...]:
    return (
        _(
            "When the stack has rolled back, terminate the provisioned product in Service Catalog; it stays there "
            "with an error until you do."
        ),
        _(
            "Launch the product again, with the parameters shown on this page or better ones. It becomes a new "
            "request and the approvers are asked anew: an earlier decision lets no launch through."
        ),
    )


def _update_again(launch: LaunchRequest) -> tuple[str, ...]:
    if launch.kind == Kind.PARAMETER_UPDATE:
        return (
            _("What runs is as it was before the update."),
            _(
                "Update the provisioned product again, with the same parameters or better ones. The approvers are "
                "asked anew."
            ),
        )
    return (
        _(
            "What runs is as it was before the update. Service Catalog may show the provisioned product as tainted; "
            "it can be updated all the same."
        ),
        _("Update it again when that is sorted out. The approvers are asked anew."),
    )


def _with_pass() -> tuple[str, ...]:
    return (
        _("It was granted when CloudFormation waited no longer, so nothing has changed yet."),
        _(
            "Update the provisioned product once more with exactly the same parameters: it passes without asking, "
            "once, until the pass runs out. Anything else is asked anew."
        ),
    )


def _links(launch: LaunchRequest, *, anew: bool) -> tuple[tuple[str, str], ...]:
    """Product pages of the end user's console cannot be linked to reliably; its list of products can."""
    provisioned = console.provisioned_product_url(launch.provisioned_product_id, launch.region)
    again = console.products_url(launch.region) if anew and launch.product_id else ""
    found = ((_("Open the provisioned product"), provisioned), (_("Launch again in Service Catalog"), again))
    return tuple((label, url) for label, url in found if url)
