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

from approvals.choices import NoticeCode
from approvals.context import sections_of
from approvals.notifications.content import Rendered
from approvals.notifications.readers import Role
from approvals.notifications.samples import DIGEST, kinds, sample
from approvals.views.base import PersonRequest, for_people
from portal.clock import now

_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


@require_safe
@for_people
def overview(request: PersonRequest) -> HttpResponse:
    _may_see(request)
    language = _language(request)
    with override(language):
        mails = [(code, role, end, sample(code, role, end, now()).subject) for code, role, end in kinds()]
    titled = [(_title(code), code, role, end, subject) for code, role, end, subject in mails]
    return render(request, "approvals/mails.html", _common(language) | {"mails": titled})


@csp_update({"frame-src": [SELF]})
@require_safe
@for_people
def page(request: PersonRequest, code: str, role: str, end: str = "") -> HttpResponse:
    _may_see(request)
    language = _language(request)
    mail = _sample(code, role, end, language)
    context = {"mail": mail, "title": _title(code), "code": code, "role": role, "end": end}
    return render(request, "approvals/mail.html", _common(language) | context)


@xframe_options_sameorigin
@require_safe
@for_people
def html(request: PersonRequest, code: str, role: str, end: str = "") -> HttpResponse:
    _may_see(request)
    response = HttpResponse(_sample(code, role, end, _language(request)).html)
    response["Content-Security-Policy"] = _POLICY
    return response


def _sample(code: str, role: str, end: str, language: str) -> Rendered:
    if (code, role, end) not in kinds():
        raise Http404
    with override(language):
        return sample(code, Role(role), end, now())


def _title(code: str) -> str:
    return DIGEST if code == DIGEST else str(NoticeCode(code).label)


def _language(request: PersonRequest) -> str:
    asked = request.GET.get("language", "")
    return asked if asked in dict(settings.LANGUAGES) else request.LANGUAGE_CODE


def _common(language: str) -> dict[str, object]:
    return {"here": "operations", "language": language, "languages": settings.LANGUAGES}


def _may_see(request: PersonRequest) -> None:
    if "operations" not in sections_of(request.user):
        raise Http404
