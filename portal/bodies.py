"""How much a view reads: the largest body of a request, refused by its announced length before anybody parses it.

Django writes uploads to disk while they come in, whatever their size and for whomever they come, and the check of the
form's token already reads them. So the limit is asked before that, for every view: what announces more is answered
413 unread. What is larger than usual is taken only from people who are signed in, unless the view says otherwise: a
stranger's upload never gets to the disk. Bodies without a length are read as empty by Django itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

# The largest honest message of SNS is 256 KiB (aws-facts §4.1), and no form without files comes near it.
USUAL = 288 * 1024
View = Callable[..., HttpResponseBase]


def takes(size: int, *, from_anybody: bool = False) -> Callable[[View], View]:
    """Marks a view that takes bodies of up to `size` bytes, from people who are signed in or `from_anybody`."""

    def mark(view: View) -> View:
        view.largest_body = size  # type: ignore[attr-defined]
        view.takes_from_anybody = from_anybody  # type: ignore[attr-defined]
        return view

    return mark


class BodyLimit:
    """Before anything that reads the body, the check of the form's token included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *_: Any) -> HttpResponse | None:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdecimal() and len(length) < 20 and _takes(request, view, int(length)):
            return None
        return render(request, "413.html", status=413)


def _takes(request: HttpRequest, view: View, length: int) -> bool:
    """Views are reached after every middleware has had the request: who it is from is known here."""
    limit = getattr(view, "largest_body", USUAL)
    if length <= min(limit, USUAL):
        return True
    return length <= limit and (getattr(view, "takes_from_anybody", False) or request.user.is_authenticated)
