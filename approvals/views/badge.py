"""The status badge, for whoever has its address. Nobody signs in: a wiki loads it as a picture."""

from __future__ import annotations

from hashlib import sha256

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals import badges
from approvals.choices import Look, State
from approvals.models import LaunchRequest
from approvals.views.live import poll
from portal.phrases import headed

_LANGUAGES = ("en", "zh-hans")
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@require_safe
@poll
def badge(request: HttpRequest, token: str) -> HttpResponse:
    """One query. The language is the address's, not the reader's: a wiki has one for everybody."""
    number = badges.number_in(token)
    found = LaunchRequest.objects.filter(pk=number).values_list("state", flat=True).first() if number else None
    wished = request.GET.get("lang", "")
    with translation.override(wished if wished in _LANGUAGES else "en"):
        if number is None or found is None:
            return _headed(_picture("Gatehouse", _("unknown"), Look.QUIET, status=404))
        state = State(found)
        picture = _picture(f"GH-{number}", str(state.label), state.look)
    etag = f'"{sha256(picture.content).hexdigest()[:24]}"'
    picture["ETag"] = etag
    return _headed(get_conditional_response(request, etag=etag, response=picture) or picture)


def _picture(name: str, said: str, look: Look, status: int = 200) -> HttpResponse:
    fields = badges.labels(name, said, look)
    context = {"fields": fields, "width": sum(field.width for field in fields), "title": headed(name, said)}
    drawn = render_to_string("approvals/requester/badge.svg", context)
    language = {"Content-Language": translation.get_language()}
    return HttpResponse(drawn, content_type="image/svg+xml; charset=utf-8", status=status, headers=language)


def _headed(response: HttpResponse) -> HttpResponse:
    for name, value in _HEADERS.items():
        response[name] = value
    return response
