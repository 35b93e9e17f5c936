"""Every mail the desk sends, with made-up facts: what administrators check before people get them.

The HTML of a mail has styles of its own, as mail programs need it. It is served at an address of its own, under a
policy that lets it do nothing but look so, and shown in a frame without rights.
"""

from __future__ import annotations

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import override
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from approvals.context import sections_of
from approvals.notifications.content import Rendered
from approvals.views.base import PersonRequest, for_people
from approvals.views.previews import Preview, find, groups

_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


@require_safe
@for_people
def overview(request: PersonRequest) -> HttpResponse:
    _may_see(request)
    language = _language(request)
    mails = [(name, [(one, _drawn(one, language).subject) for one in group]) for name, group in groups()]
    return render(request, "approvals/mails.html", _common(language) | {"groups": mails})


@csp_update({"frame-src": [SELF]})
@require_safe
@for_people
def page(request: PersonRequest, code: str, role: str, end: str = "") -> HttpResponse:
    _may_see(request)
    language, one = _language(request), _found(code, role, end)
    context = {"preview": one, "mail": _drawn(one, language)}
    return render(request, "approvals/mail.html", _common(language) | context)


@xframe_options_sameorigin
@require_safe
@for_people
def html(request: PersonRequest, code: str, role: str, end: str = "") -> HttpResponse:
    _may_see(request)
    response = HttpResponse(_drawn(_found(code, role, end), _language(request)).html)
    response["Content-Security-Policy"] = _POLICY
    return response


def _found(code: str, role: str, end: str) -> Preview:
    found = find(code, role, end)
    if found is None:
        raise Http404
    return found


def _drawn(one: Preview, language: str) -> Rendered:
    with override(language):
        return one.draw()


def _language(request: PersonRequest) -> str:
    asked = request.GET.get("language", "")
    return asked if asked in dict(settings.LANGUAGES) else request.LANGUAGE_CODE


def _common(language: str) -> dict[str, object]:
    return {"here": "operations", "language": language, "languages": settings.LANGUAGES}


def _may_see(request: PersonRequest) -> None:
    if "operations" not in sections_of(request.user):
        raise Http404
