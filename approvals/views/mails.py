"""Switching one's mails off from a mail, in one click (RFC 8058).

GET shows a page with a button, so scanners that follow links change nothing. POST needs no session and no CSRF
token: the signed token in the address is the proof, and mail providers post it. It answers with a page, not with a
redirect, which RFC 8058 forbids.
"""

from __future__ import annotations

import structlog
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils.translation import get_language, override
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from approvals.notifications.stopping import person_of, stop

log = structlog.get_logger(__name__)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def stopping(request: HttpRequest, token: str) -> HttpResponse:
    person = person_of(token)
    if person is None:
        raise Http404
    if request.method == "POST":
        if request.POST.get("List-Unsubscribe") != "One-Click":
            return HttpResponseBadRequest()
        stop(person)
        log.info("mails switched off", person=person.pk)
    with override(person.language or get_language()):
        response = render(request, "approvals/mails_stop.html", {"done": request.method == "POST"})
    # The address is the token.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
