"""Deciding on several requests with one reason: what was selected, the decision, and what became of each."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals.actions.base import clean_text
from approvals.errors import Refused
from approvals.inbox import bulk
from approvals.inbox.filters import of
from approvals.lifecycle import Action
from approvals.models import LaunchRequest
from approvals.models.requests import LaunchRequestQuerySet
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal
from approvals.views.inbox import for_the_desk
from portal.clock import now

_RESULTS = "decided"


@require_safe
@for_people
def confirm(request: PersonRequest) -> HttpResponse:
    """What would be decided; nothing is yet."""
    return _page(request, "inbox_decide", _selected(request, request.GET))


@require_POST
@for_people
def decide(request: PersonRequest) -> HttpResponse:
    """Decide on each. Whoever repeats it finds everything decided."""
    said = _selected(request, request.POST)
    text, verdict = request.POST.get("text", ""), said["verdict"]
    try:
        reason = clean_text(text, required=verdict == Action.REJECT)
    except Refused as refused:
        log_refusal(request.user, "several", verdict, refused)
        said |= {"refused": refused.sentence, "typed": text}
        return _page(request, "inbox_decide", said, status=refused.http_status)
    actor = at_the_desk(request.user)
    done = bulk.decide([row.pk for row in said["rows"]], verdict, actor=actor, clock=now, reason=reason)
    rows = [(one.pk, one.sentence) for one in done]
    request.session[_RESULTS] = {"verdict": verdict, "back": said["back"], "rows": rows}
    return redirect("inbox_decided")


@require_safe
@for_people
def decided(request: PersonRequest) -> HttpResponse:
    """What became of each at the last time; a browser that loads it again decides nothing."""
    seen, _decides = for_the_desk(request.user)
    kept = request.session.get(_RESULTS)
    if not kept:
        return redirect("desk")
    sentences = dict(kept["rows"])
    rows = [(row, sentences[row.pk]) for row in _rows(seen, list(sentences))]
    refused = sum(bool(sentence) for _row, sentence in rows)
    counts = {"done": len(rows) - refused, "refused": refused}
    return _page(request, "inbox_decided", {**kept, "rows": rows, **counts})


def _selected(request: PersonRequest, said: QueryDict) -> dict[str, Any]:
    seen, decides = for_the_desk(request.user)
    verdict, picks = said.get("verdict", ""), bulk.picked(said.getlist("pick"))
    if verdict not in bulk.VERBS or not decides:
        raise Http404
    return {
        "verdict": verdict,
        "rows": _rows(seen, picks[: bulk.MOST]),
        "back": of(said.get("back", "")).query(),
        "most": bulk.MOST,
        "cut": len(picks) > bulk.MOST,
    }


def _rows(seen: LaunchRequestQuerySet, picks: list[int]) -> list[LaunchRequest]:
    """Those the person may see, as they were selected."""
    found = seen.listed().select_related("requester", "claimed_by").in_bulk(picks)
    return [found[pk] for pk in picks if pk in found]


def _page(request: PersonRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, f"approvals/{name}.html", {"here": "desk", "now": now(), **context}, status=status)
