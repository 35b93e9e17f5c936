"""What somebody had typed when they were asked to prove who they are: it waits in their session until they are back,
for each request by itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

_KEY = "drafts"
# Each text is one that the verb took (at most 4,000 characters); so many requests at a time, the oldest goes first.
_LONGEST, _MOST = 4000, 10


def keep(request: HttpRequest, uuid: str, verb: str, text: str, typed_name: str) -> None:
    """In the place of what was kept for this request before."""
    drafts = {one: draft for one, draft in request.session.get(_KEY, {}).items() if one != uuid}
    drafts[uuid] = {"verb": verb, "text": text[:_LONGEST], "typed_name": typed_name}
    request.session[_KEY] = dict(list(drafts.items())[-_MOST:])


def take(request: HttpRequest, uuid: str) -> dict[str, Any]:
    """As context for the page of that request, once; empty when there is none."""
    drafts = dict(request.session.get(_KEY, {}))
    if uuid not in drafts:
        return {}
    draft = drafts.pop(uuid)
    request.session[_KEY] = drafts
    return {"refused_verb": draft["verb"], "typed": draft["text"], "typed_name": draft["typed_name"], "returned": True}
