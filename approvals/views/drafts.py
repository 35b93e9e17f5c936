"""What somebody had typed when they were asked to prove who they are: it waits in their session until they are back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

_KEY = "draft"


def keep(request: HttpRequest, uuid: str, verb: str, text: str, typed_name: str) -> None:
    """One draft per session: nobody decides in two places at once. A text too long to be taken is not kept."""
    request.session[_KEY] = {"uuid": uuid, "verb": verb, "text": text[:4000], "typed_name": typed_name}


def take(request: HttpRequest, uuid: str) -> dict[str, Any]:
    """As context for the page of that request, once; empty when there is none."""
    if request.session.get(_KEY, {}).get("uuid") != uuid:
        return {}
    draft = request.session.pop(_KEY)
    return {"refused_verb": draft["verb"], "typed": draft["text"], "typed_name": draft["typed_name"], "returned": True}
