"""Parts of a page that keep themselves fresh: htmx asks every few seconds, and gets 204 while nothing changed.

Only what changed is sent, so whoever reads or has opened something in another part keeps their place. Without
JavaScript the page stays as it was loaded; nothing else depends on this. Parts hold no forms, so a poll never takes
away what somebody is typing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string


def poll(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Marks what a page asks by itself: no sign that somebody sits there (portal.accounts.middleware)."""
    view.is_poll = True  # type: ignore[attr-defined]
    return view


@dataclass(frozen=True, slots=True)
class Live:
    """`parts`: element id → HTML. The first part carries the poll and brings the others with it."""

    parts: Mapping[str, str]
    url: str

    @property
    def first(self) -> str:
        return next(iter(self.parts))


def live(
    request: HttpRequest, templates: dict[str, str], context: dict[str, object], url: str = "", **query: str
) -> Live:
    """Render the parts. `url` answers the poll; without one the page has come to rest."""
    return gathered(
        {name: render_to_string(template, context, request) for name, template in templates.items()}, url, **query
    )


def gathered(parts: Mapping[str, str], url: str = "", **query: str) -> Live:
    """Parts that are rendered already, element id → HTML; at least one."""
    return Live(parts, f"{url}?{urlencode(query | {'seen': _token(parts)})}" if url else "")


def answer(request: HttpRequest, fresh: Live) -> HttpResponse:
    """The answer to a poll: the part that carries it, and the others that changed."""
    token = _token(fresh.parts)
    seen = request.GET.get("seen", "")
    if seen == token:
        return HttpResponse(status=204)
    known = set(zip(fresh.parts, seen.split("-"), strict=False))
    now = zip(fresh.parts, token.split("-"), strict=True)
    changed = {name for name, digest in now if (name, digest) not in known}
    parts = {name: body for name, body in fresh.parts.items() if name in changed or name == fresh.first}
    return render(request, "elements/live.html", {"live": Live(parts, fresh.url)})


def _token(parts: Mapping[str, str]) -> str:
    """A digest for each part, in their order."""
    return "-".join(sha256(body.encode()).hexdigest()[:12] for body in parts.values())
