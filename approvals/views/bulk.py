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
from approvals.review import seen, sensitivity
from approvals.views.base import PersonRequest, at_the_desk, for_people, log_refusal
from approvals.views.inbox import for_the_desk
from portal.clock import now

_RESULTS = "decided"


@require_safe
@for_people
def confirm(request: PersonRequest) -> HttpResponse:
    """What would be decided; nothing is yet."""
    said = _selected(request, request.GET)
    return _confirmation(request, said | _as_shown(request, said["rows"]))


@require_POST
@for_people
def decide(request: PersonRequest) -> HttpResponse:
    """Decide on each. Whoever repeats it finds everything decided."""
    said = _selected(request, request.POST)
    text, verdict = request.POST.get("text", ""), said["verdict"]
    shown = bulk.tokens(request.POST.get("seen", ""))
    try:
        reason = clean_text(text, required=verdict == Action.REJECT)
    except Refused as refused:
        log_refusal(request.user, "several", verdict, refused)
        said |= {"refused": refused.sentence, "typed": text} | _as_shown(request, said["rows"], shown)
        return _confirmation(request, said, status=refused.http_status)
    actor = at_the_desk(request.user)
    picks = [row.pk for row in said["rows"]]
    done = bulk.decide(picks, verdict, seen=shown, actor=actor, clock=now, reason=reason)
    rows = [(one.pk, one.sentence) for one in done]
    request.session[_RESULTS] = {"verdict": verdict, "back": said["back"], "rows": rows}
    return redirect("inbox_decided")


@require_safe
@for_people
def decided(request: PersonRequest) -> HttpResponse:
    """What became of each at the last time; a browser that loads it again decides nothing."""
    visible, _decides = for_the_desk(request.user)
    kept = request.session.get(_RESULTS)
    if not kept:
        return redirect("desk")
    sentences = dict(kept["rows"])
    rows = [(row, sentences[row.pk]) for row in _rows(visible, list(sentences))]
    refused = sum(bool(sentence) for _row, sentence in rows)
    counts = {"done": len(rows) - refused, "refused": refused}
    return _page(request, "inbox_decided", {**kept, "rows": rows, **counts})


def _selected(request: PersonRequest, said: QueryDict) -> dict[str, Any]:
    visible, decides = for_the_desk(request.user)
    verdict, picks = said.get("verdict", ""), bulk.picked(said.getlist("pick"))
    if verdict not in bulk.VERBS or not decides:
        raise Http404
    return {
        "verdict": verdict,
        "rows": _rows(visible, picks[: bulk.MOST]),
        "back": of(said.get("back", "")).query(),
        "most": bulk.MOST,
        "cut": len(picks) > bulk.MOST,
    }


def _as_shown(
    request: PersonRequest, rows: list[LaunchRequest], before: dict[int, str] | None = None
) -> dict[str, Any]:
    """The rows for the page, each with its token. Tokens are worked out before what is shown is read, and those the
    page carried `before` stay: what comes in between makes a row stale, never the other way round."""
    tokens = seen.tokens(rows) | (before or {})
    shown = _rows(for_the_desk(request.user)[0], [row.pk for row in rows])
    return {"rows": shown, "seen": bulk.written({row.pk: tokens[row.pk] for row in shown})}


def _confirmation(request: PersonRequest, said: dict[str, Any], status: int = 200) -> HttpResponse:
    return _page(request, "inbox_decide", said | _tickable(said), status=status)


def _tickable(said: dict[str, Any]) -> dict[str, Any]:
    """How many rows can be decided on here: what is sensitive is approved on its own page alone."""
    closed = [row for row in said["rows"] if said["verdict"] == Action.APPROVE and getattr(row, "is_sensitive", False)]
    return {"ticked": len(said["rows"]) - len(closed)}


def _rows(visible: LaunchRequestQuerySet, picks: list[int]) -> list[LaunchRequest]:
    """Those the person may see, as they were selected."""
    rows = visible.listed().select_related("requester", "claimed_by").annotate(is_sensitive=sensitivity.is_marked())
    found = rows.in_bulk(picks)
    return [found[pk] for pk in picks if pk in found]


def _page(request: PersonRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, f"approvals/{name}.html", {"here": "desk", "now": now(), **context}, status=status)
