"""What is sensitive, and prepared reasons: administrators write them down, auditors read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import actions
from approvals.actor import Actor
from approvals.context import sections_of
from approvals.errors import Refused, Why
from approvals.forms.desk import ReasonForm, SensitiveForm
from approvals.models import CannedReason, LaunchRequest, Sensitivity
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, prove_again
from catalog.models import Place, Product
from portal.accounts import stepup
from portal.clock import now

_OFFERED, _NEWEST = 300, 1000
Verb = Callable[[Actor, datetime], object]


@require_safe
@for_people
def sensitive(request: PersonRequest) -> HttpResponse:
    """The list, and the form that adds to it."""
    return _sensitive(request, SensitiveForm())


@require_POST
@for_people
def mark(request: PersonRequest) -> HttpResponse:
    form = SensitiveForm(request.POST)
    done = _("It is marked as sensitive.")
    if form.is_valid() and _acts(
        request, form, done, lambda who, at: actions.mark_sensitive(**form.cleaned_data, actor=who, now=at)
    ):
        return redirect("sensitive")
    return _sensitive(request, form)


@require_POST
@for_people
def unmark(request: PersonRequest, pk: int) -> HttpResponse:
    _may_see(request)
    is_fresh = stepup.is_fresh(request)
    try:
        actions.unmark_sensitive(pk, is_fresh=is_fresh, actor=at_the_desk(request.user), now=now())
    except Refused as refused:
        log_refusal(request.user, "operations", "unmark", refused)
        if proof := prove_again(request, refused, reverse("sensitive")):
            return proof
        raise Http404 from None
    messages.success(request, _("It is not marked as sensitive any more."))
    return redirect("sensitive")


@require_safe
@for_people
def reasons(request: PersonRequest, pk: int | None = None) -> HttpResponse:
    """The list with a form for a new one, or for other words of one."""
    _may_see(request)
    changed = _reason(pk)
    return _reasons(request, ReasonForm.of(changed) if changed else ReasonForm(), changed)


@require_POST
@for_people
def keep_reason(request: PersonRequest, pk: int | None = None) -> HttpResponse:
    _may_see(request)
    changed, form = _reason(pk), ReasonForm(request.POST)
    done = _("The reason is kept.")
    if form.is_valid() and _acts(
        request, form, done, lambda who, at: actions.keep_reason(**form.cleaned_data, pk=pk, actor=who, now=at)
    ):
        return redirect("reasons")
    return _reasons(request, form, changed)


@require_POST
@for_people
def drop_reason(request: PersonRequest, pk: int) -> HttpResponse:
    done = _("The reason is removed. What was rejected with it keeps its words.")
    _acts(request, None, done, lambda who, at: actions.drop_reason(pk, actor=who, now=at))
    return redirect("reasons")


def _acts(request: PersonRequest, form: forms.Form | None, done: str, verb: Verb) -> bool:
    """Whether it was done. Why it was not stands beside the form; without a form it is an answer of its own."""
    _may_see(request)
    try:
        verb(at_the_desk(request.user), now())
    except Refused as refused:
        log_refusal(request.user, "operations", "mark", refused)
        if refused.why is Why.NOT_FOUND or form is None:
            raise Http404 from None
        form.add_error(None, refused.sentence)
        return False
    messages.success(request, done)
    return True


def _reason(pk: int | None) -> CannedReason | None:
    return None if pk is None else get_object_or_404(CannedReason, pk=pk)


def _sensitive(request: PersonRequest, form: SensitiveForm) -> HttpResponse:
    return _page(request, "sensitive", form, {"marks": Sensitivity.objects.all(), "known": _known(), "form": form})


def _reasons(request: PersonRequest, form: ReasonForm, changed: CannedReason | None) -> HttpResponse:
    context = {"reasons": CannedReason.objects.all(), "changed": changed, "form": form}
    return _page(request, "reasons", form, context)


def _known() -> list[tuple[str, str]]:
    """What there is to be marked: products of the catalogue, accounts that are watched and that launches came from."""
    products = Product.objects.filter(removed_at=None).order_by("name").values_list("product_id", "name")
    newest = LaunchRequest.objects.order_by("-pk").values_list("account", flat=True)[:_NEWEST]
    accounts = sorted({*newest, *Place.objects.values_list("account", flat=True)})
    return [*((account, "") for account in accounts[:_OFFERED]), *products[:_OFFERED]]


def _may_see(request: PersonRequest) -> None:
    if "operations" not in sections_of(request.user):
        raise Http404


def _page(request: PersonRequest, name: str, form: forms.Form, context: dict[str, Any]) -> HttpResponse:
    _may_see(request)
    shared = {"here": "operations", "acts": request.user.is_administrator}
    return render(request, f"approvals/{name}.html", {**shared, **context}, status=422 if form.errors else 200)
