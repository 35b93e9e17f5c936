"""Publishing for a whole portfolio: a plan for each of its products, one confirmation, and a report."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from approvals.actions import publishing as verbs
from approvals.errors import Refused
from approvals.forms.catalogue import PublishForm
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, may_act, may_see, prove_again
from approvals.views.live import Live, answer, live, poll
from approvals.views.publishing import WORDS, planned, rows
from catalog import publishing
from catalog.models import Portfolio, Publication, Rollout
from catalog.models.publishing import WORKED, Status
from catalog.publishing import report
from portal.accounts import stepup
from portal.clock import now

_RECENT = 25
_REPORTS = {
    "csv": ("text/csv; charset=utf-8", report.as_csv),
    "json": ("application/json", report.as_json),
}


@require_safe
@for_people
def overview(request: PersonRequest) -> HttpResponse:
    """Portfolios, and what was published lately."""
    may_see(request)
    offered = Count("offers", filter=Q(offers__removed_at=None, offers__product__removed_at=None))
    portfolios = Portfolio.objects.filter(removed_at=None, shared=False).select_related("place")
    recent = Publication.objects.select_related("product", "source").order_by("-pk")[:_RECENT]
    context = {
        "here": "catalogue",
        "acts": request.user.is_administrator,
        "is_on": publishing.is_on(),
        "portfolios": portfolios.annotate(offered=offered).order_by("name", "pk"),
        "recent": rows(recent),
        "rollouts": Rollout.objects.select_related("portfolio", "created_by").order_by("-pk")[:_RECENT],
    }
    return render(request, "approvals/publishing.html", context)


@require_safe
@for_people
def form(request: PersonRequest, pk: int) -> HttpResponse:
    may_act(request)
    return _form(request, _portfolio(pk), PublishForm(None))


@require_POST
@for_people
def plan(request: PersonRequest, pk: int) -> HttpResponse:
    may_act(request)
    portfolio = _portfolio(pk)
    given = PublishForm(None, request.POST)

    def ask() -> Rollout:
        return verbs.plan_portfolio(
            portfolio,
            options=given.options,
            retire=given.cleaned_data["retire"],
            actor=at_the_desk(request.user),
            now=now(),
        )

    made = planned(request, f"portfolios/{pk}", given, ask)
    return _form(request, portfolio, given, made) if isinstance(made, int) else redirect("rollout", made.uuid)


@require_safe
@for_people
def page(request: PersonRequest, uuid: UUID) -> HttpResponse:
    may_see(request)
    return _render(request, _rollout(uuid))


@require_safe
@for_people
@poll
def page_live(request: PersonRequest, uuid: UUID) -> HttpResponse:
    may_see(request)
    publications = _publications(_rollout(uuid))
    if not _moves(publications):
        return HttpResponseClientRefresh()
    return answer(request, _live(request, uuid, publications))


@require_POST
@for_people
def confirm(request: PersonRequest, uuid: UUID) -> HttpResponse:
    may_act(request)
    rollout = _rollout(uuid)
    try:
        count = verbs.confirm_portfolio(
            uuid,
            shown=request.POST.get("shown", ""),
            is_fresh=stepup.is_fresh(request),
            actor=at_the_desk(request.user),
            now=now(),
        )
    except Refused as refused:
        log_refusal(request.user, f"rollouts/{uuid}", "confirm", refused)
        if proof := prove_again(request, refused, reverse("rollout", args=[uuid])):
            return proof
        return _render(request, rollout, refused.sentence, refused.http_status)
    if count:
        said = ngettext("Confirmed for %(n)d product.", "Confirmed for %(n)d products.", count) % {"n": count}
        messages.success(request, said)
    return redirect("rollout", uuid)


@require_safe
@for_people
def report_file(request: PersonRequest, uuid: UUID, kind: str) -> HttpResponse:
    may_see(request)
    if kind not in _REPORTS:
        raise Http404
    content_type, write = _REPORTS[kind]
    rollout = _rollout(uuid)
    answer_ = HttpResponse(write(_publications(rollout)), content_type=content_type)
    name = f"gatehouse-{rollout.portfolio.portfolio_id}-{rollout.created_at:%Y%m%d-%H%M}.{kind}"
    answer_["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer_


def _portfolio(pk: int) -> Portfolio:
    return get_object_or_404(Portfolio.objects.select_related("place"), pk=pk, shared=False, removed_at=None)


def _rollout(uuid: UUID) -> Rollout:
    return get_object_or_404(Rollout.objects.select_related("portfolio__place", "created_by"), uuid=uuid)


def _publications(rollout: Rollout) -> list[Publication]:
    found = rollout.publications.select_related("product", "source").prefetch_related("steps")
    return list(found.order_by("product__name", "pk"))


def _moves(publications: list[Publication]) -> bool:
    return any(one.status in WORKED for one in publications)


def _live(request: PersonRequest, uuid: UUID, publications: list[Publication]) -> Live:
    shown = [(*row, report.line(row[0]) | {"word": _word(row[0])}) for row in rows(publications)]
    done = sum(one.status not in WORKED for one in publications)
    context: dict[str, object] = {"rows": shown, "done": done, "total": len(shown), "moves": _moves(publications)}
    url = reverse("rollout_live", args=[uuid]) if _moves(publications) else ""
    return live(request, {"rows": "approvals/parts/rollout.html"}, context, url)


def _word(publication: Publication) -> str:
    """What the gate makes of it; where its state says so already, nothing."""
    return "" if publication.status in (Status.DONE, Status.REFUSED) else str(WORDS.get(publication.verdict, ""))


def _form(request: PersonRequest, portfolio: Portfolio, form: PublishForm, status: int = 200) -> HttpResponse:
    offered = portfolio.offers.filter(removed_at=None, product__removed_at=None).count()
    context = {
        "here": "catalogue",
        "portfolio": portfolio,
        "form": form,
        "is_on": publishing.is_on(),
        "offered": offered,
        "recent": portfolio.rollouts.order_by("-pk")[:10],
    }
    return render(request, "approvals/publish_portfolio.html", context, status=status)


def _render(request: PersonRequest, rollout: Rollout, refused: str = "", status: int = 200) -> HttpResponse:
    publications = _publications(rollout)
    waiting = [one for one in publications if one.status == Status.PLANNED]
    failing, unknown = publishing.doubtful(one.product for one in waiting)
    context = {
        "here": "catalogue",
        "rollout": rollout,
        "refused": refused,
        "acts": request.user.is_administrator,
        "live": _live(request, rollout.uuid, publications),
        "waiting": [] if any(one.status == Status.PLANNING for one in publications) else waiting,
        "shown": verbs.shown_of(waiting),
        "making": sum(one.creates for one in waiting),
        "impact": publishing.impact_of(waiting),
        "failing": failing,
        "unknown": unknown,
        "retire": rollout.retire,
    }
    return render(request, "approvals/rollout.html", context, status=status)
