"""The doctor's page: its last report, and a button that has the worker look again. Auditors read it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals.context import sections_of
from approvals.doctor import keeping
from approvals.doctor.running import UNANSWERED
from approvals.hints import Hint, publish
from approvals.views.base import PersonRequest, for_people
from approvals.views.live import Live, answer, live, poll
from portal.clock import now


@require_safe
@for_people
def page(request: PersonRequest) -> HttpResponse:
    _may_see(request)
    context = {"here": "operations", "live": _report(request), "acts": request.user.is_administrator}
    return render(request, "approvals/doctor.html", context)


@require_safe
@for_people
@poll
def page_live(request: PersonRequest) -> HttpResponse:
    _may_see(request)
    return answer(request, _report(request))


@require_POST
@for_people
def run(request: PersonRequest) -> HttpResponse:
    _may_see(request)
    if not request.user.is_administrator:
        raise Http404
    if keeping.ask(now()):
        publish(Hint.DOCTOR)
        messages.success(request, _("The doctor is looking. The result appears here within half a minute."))
    else:
        messages.info(request, _("The doctor is looking already."))
    return redirect("doctor")


def _may_see(request: PersonRequest) -> None:
    if "operations" not in sections_of(request.user):
        raise Http404


def _report(request: PersonRequest) -> Live:
    """Asks again by itself only while a look is under way."""
    report, asked = keeping.last(), keeping.asked()
    in_vain = asked is not None and now() - asked > keeping.PATIENCE
    troubles = [one for one in report.findings if one.is_trouble] if report else []
    context: dict[str, object] = {
        "report": report,
        "troubles": [one for one in troubles if one.sentence not in UNANSWERED],
        # Silence is no finding: one quiet group.
        "silent": [one for one in troubles if one.sentence in UNANSWERED],
        "healthy": [one for one in report.findings if not one.is_trouble] if report else [],
        "asked": asked,
        "in_vain": in_vain,
    }
    url = reverse("doctor_live") if asked and not in_vain else ""
    return live(request, {"doctor": "approvals/parts/doctor.html"}, context, url)
