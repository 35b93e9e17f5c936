"""Publishing a gated version of one product: what it would do, an administrator's confirmation, and how far it is.

The web never asks AWS: a worker plans, the page shows the plan, and what is confirmed is what was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from approvals.actions import publishing as verbs
from approvals.actor import Actor
from approvals.choices import Look
from approvals.errors import Refused, Why
from approvals.forms.catalogue import PublishForm
from approvals.models import AuditEvent
from approvals.publishing import subject
from approvals.review.trail import Told
from approvals.sentences import sentence
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal, may_act, may_see, prove_again
from approvals.views.live import Live, answer, live, poll
from catalog import console, publishing
from catalog.coverage import Risk
from catalog.gating import BadOption
from catalog.models import Product, Publication, Rollout, Version
from catalog.models.publishing import WORKED, Status
from catalog.publishing import report
from portal.accounts import stepup
from portal.clock import now

Planned = TypeVar("Planned", Publication, Rollout)
LOOKS = {
    Status.PLANNING: Look.WAIT,
    Status.PLANNED: Look.ASK,
    Status.UNDER_WAY: Look.WAIT,
    Status.DONE: Look.GOOD,
    Status.FAILED: Look.BAD,
    Status.REFUSED: Look.QUIET,
    Status.ABANDONED: Look.QUIET,
}
VERDICTS = {
    "gated": gettext_lazy("The gate fits into the template."),
    "wrapped": gettext_lazy(
        "The gate does not fit into the template, so a new template with the gate launches it as a nested stack."
    ),
    "already": gettext_lazy("This version has its gate already. No new version is made."),
}
# In a word, for tables.
WORDS = {
    "gated": gettext_lazy("gated"),
    "wrapped": gettext_lazy("wrapped"),
    "already": gettext_lazy("gated already"),
    "refused": gettext_lazy("refused"),
}


@require_safe
@for_people
def form(request: PersonRequest, product_id: str) -> HttpResponse:
    may_act(request)
    product = _product(product_id)
    return _form(request, product, PublishForm(_versions(product)))


@require_POST
@for_people
def plan(request: PersonRequest, product_id: str) -> HttpResponse:
    may_act(request)
    product = _product(product_id)
    given = PublishForm(_versions(product), request.POST)

    def ask() -> Publication:
        return verbs.plan(
            product,
            product.versions.get(artifact_id=given.cleaned_data["source"]),
            options=given.options,
            retire=given.cleaned_data["retire"],
            actor=at_the_desk(request.user),
            now=now(),
        )

    made = planned(request, product_id, given, ask)
    return _form(request, product, given, made) if isinstance(made, int) else redirect("publication", made.uuid)


def planned(request: PersonRequest, about: str, given: PublishForm, ask: Callable[[], Planned]) -> Planned | int:
    """What `ask` plans; where the form or the desk refuses, the answer's status, and the form says why."""
    if not given.is_valid():
        return 422
    try:
        return ask()
    except Refused as refused:
        log_refusal(request.user, about, "publish", refused)
        given.add_error(None, refused.sentence)
        return refused.http_status
    except BadOption as error:
        given.add_error(None, str(error))
        return 422


@require_safe
@for_people
def page(request: PersonRequest, uuid: UUID) -> HttpResponse:
    may_see(request)
    return _render(request, _publication(uuid))


@require_safe
@for_people
@poll
def page_live(request: PersonRequest, uuid: UUID) -> HttpResponse:
    may_see(request)
    publication = _publication(uuid)
    if publication.status != request.GET.get("was"):
        # What may be done now is on the page around the part that keeps itself fresh.
        return HttpResponseClientRefresh()
    return answer(request, _live(request, publication))


@require_POST
@for_people
def act(request: PersonRequest, uuid: UUID, verb: str) -> HttpResponse:
    may_act(request)
    if verb not in _VERBS:
        raise Http404
    try:
        sentence_ = _VERBS[verb](request, uuid, at_the_desk(request.user), now())
    except Refused as refused:
        log_refusal(request.user, f"publications/{uuid}", verb, refused)
        if refused.why is Why.NOT_FOUND:
            raise Http404 from None
        if proof := prove_again(request, refused, reverse("publication", args=[uuid])):
            return proof
        return _render(request, _publication(uuid), refused.sentence, refused.http_status)
    messages.success(request, sentence_)
    return redirect("publication", uuid)


def _confirm(request: PersonRequest, uuid: UUID, actor: Actor, at: datetime) -> str:
    verbs.confirm(uuid, shown=request.POST.get("shown", ""), is_fresh=stepup.is_fresh(request), actor=actor, now=at)
    return _("Confirmed. How far it is appears here.")


def _resume(_request: PersonRequest, uuid: UUID, actor: Actor, at: datetime) -> str:
    verbs.resume(uuid, actor=actor, now=at)
    return _("It goes on where it stopped.")


def _abandon(_request: PersonRequest, uuid: UUID, actor: Actor, at: datetime) -> str:
    verbs.abandon(uuid, actor=actor, now=at)
    return _("Abandoned. What was done stays, and nothing more is done.")


_VERBS: dict[str, Callable[[PersonRequest, UUID, Actor, datetime], str]] = {
    "confirm": _confirm,
    "resume": _resume,
    "abandon": _abandon,
}


def _product(product_id: str) -> Product:
    return get_object_or_404(Product.objects.select_related("place"), product_id=product_id)


def _versions(product: Product) -> list[Version]:
    return list(publishing.choices(product))


def _publication(uuid: UUID) -> Publication:
    found = Publication.objects.select_related("product__place", "source__template", "gated", "confirmed_by", "rollout")
    return get_object_or_404(found, uuid=uuid)


def _form(request: PersonRequest, product: Product, form: PublishForm, status: int = 200) -> HttpResponse:
    context = {
        "here": "catalogue",
        "product": product,
        "form": form,
        "is_on": publishing.is_on(),
        "known": bool(_versions(product)),
        "recent": rows(product.publications.order_by("-pk")[:10]),
    }
    return render(request, "approvals/publish.html", context, status=status)


def rows(publications: Iterable[Publication]) -> list[tuple[Publication, Look, str]]:
    """Each with its state, as a badge shows it."""
    return [(one, LOOKS[Status(one.status)], report.state(one)) for one in publications]


def _live(request: PersonRequest, publication: Publication) -> Live:
    context = {
        "publication": publication,
        "look": LOOKS[Status(publication.status)],
        "state": report.state(publication),
        "problem": report.reason(publication) if publication.error else "",
        "steps": list(publication.steps.all()),
    }
    url = reverse("publication_live", args=[publication.uuid]) if publication.status in WORKED else ""
    return live(request, {"status": "approvals/parts/publication.html"}, context, url, was=publication.status)


def _render(request: PersonRequest, publication: Publication, refused: str = "", status: int = 200) -> HttpResponse:
    facts, lines, waits = publication.facts, _lines(publication), publication.status == Status.PLANNED
    failing, unknown = publishing.doubtful([publication.product] if waits else [])
    published = publication.status == Status.DONE and publication.steps.exists()
    context = {
        "here": "catalogue",
        "publication": publication,
        "product": publication.product,
        "facts": facts,
        "refused": refused,
        "acts": request.user.is_administrator,
        "live": _live(request, publication),
        "verdict": VERDICTS.get(publication.verdict, ""),
        "lines": lines,
        "cut": bool(lines) and lines[-1][0] == "cut",
        "waits": waits,
        "impact": publishing.impact_of([publication]) if waits else None,
        "failing": failing,
        "unknown": unknown,
        "retire": publication.retire,
        "reason": report.reason(publication),
        "notes": report.notes(publication),
        "failed": publication.status == Status.FAILED,
        "published": published,
        # What was left as it is may still let something by.
        "is_gated": published and Risk(publication.product.risk).is_gated,
        "console_link": console.products_url(publication.product.region),
        "open": publication.finished_at is None,
        "history": _history(publication),
    }
    return render(request, "approvals/publication.html", context, status=status)


def _lines(publication: Publication) -> Sequence[tuple[str, str]]:
    source = publication.source.template if publication.source else None
    if source is None or publication.gated is None or not publication.creates:
        return []
    return publishing.kept_lines(source.body, publication.gated.body)


def _history(publication: Publication) -> list[Told]:
    chain = subject(publication.product)
    events = AuditEvent.objects.filter(chain__subject=chain, params__publication=publication.pk)
    return [Told(event, sentence(event), "") for event in events.select_related("actor").order_by("-number")[:100]]
