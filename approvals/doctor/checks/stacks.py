"""Stacks that wait without the desk's knowledge."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit
from approvals.following import reconcile, stacks
from approvals.following.conclusions import WAIT_CONDITION

_MOST = 20


@check(
    "unknown_stacks",
    Severity.CRITICAL,
    title=_("Stacks unknown to the desk"),
    why=_("Nobody at the desk can decide this launch; it rolls back when its time is over."),
    remedy=_(
        "Mend what the other findings say about functions, topic and queue. Reconciliation opens a stack whose "
        "events show "
        "its wait URL (GATEHOUSE_RECONCILE=1); for any other ask the requester to terminate it and launch again."
    ),
    everywhere=True,
)
def unknown_stacks(visit: Visit) -> Iterator[Problem]:
    for number, summary in enumerate(reconcile.waiting(visit.here.account, visit.here.region, visit.now)):
        if number >= _MOST:
            break
        stack_id = summary["StackId"]
        look = stacks.look(stack_id, visit.here.region, since=reconcile.began(summary), now=visit.now)
        gates = [one for one in look.resources if one.resource_type == WAIT_CONDITION]
        if gates and gates[-1].status == "CREATE_IN_PROGRESS":
            yield problem(
                _("%(stack)s waits and the desk has no request for it."), about=stack_id, stack=summary["StackName"]
            )
