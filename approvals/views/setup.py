"""First run: the steps of an installation, for administrators. Looking at AWS and sending a mail are POSTs."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import setup
from approvals.doctor import keeping
from approvals.hints import Hint, publish
from approvals.setup import hub, mails
from approvals.views.base import PersonRequest, for_people
from portal.clock import now


@require_safe
@for_people
def page(request: PersonRequest) -> HttpResponse:
    _may_see(request)
    steps = setup.steps(now())
    done = sum(step.is_done for step in steps)
    return render(request, "approvals/setup.html", {"here": "operations", "steps": steps, "done": done})


@require_POST
@for_people
def check(request: PersonRequest) -> HttpResponse:
    """Three seconds at most; the worker, which may look at more, is asked as well."""
    _may_see(request)
    if keeping.ask(now()):
        publish(Hint.DOCTOR)
    hub.look_now(now())
    return redirect("setup")


@require_POST
@for_people
def mail(request: PersonRequest) -> HttpResponse:
    _may_see(request)
    error = mails.send_test(request.user)
    if error:
        messages.error(request, _("The mail could not be sent (%(error)s). The doctor says more.") % {"error": error})
    else:
        messages.success(request, _("A mail is on its way to %(email)s.") % {"email": request.user.email})
    return redirect("setup")


def _may_see(request: PersonRequest) -> None:
    if not request.user.is_administrator:
        raise Http404
