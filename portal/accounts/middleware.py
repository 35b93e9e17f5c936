"""What surrounds every page: a session that ends, the person's language and time zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from portal import clock
from portal.accounts.models import User
from portal.accounts.reading import zone_of

_BEGAN, _SEEN = "began", "seen"
# A session is written for a sign of life at most this often.
_STEP_SECONDS = 60

log = structlog.get_logger(__name__)


class SessionEnds:
    """A session ends SESSION_COOKIE_AGE after signing in, and earlier when SESSION_IDLE_SECONDS pass without a
    sign of life. What an open page asks by itself (views marked `is_poll`) is none. Whoever it happens to reads a
    sentence about it above the sign-in page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and (why := _over(request)):
            log.info("session ended", person=request.user.pk, why=why)
            request.session.flush()
            request.user = AnonymousUser()
            request.session_ended = True  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_args: Any) -> None:
        if _ended(request):
            messages.warning(
                request, _("Your session has ended, to keep the desk safe. Sign in, and you are back where you were.")
            )
        if request.user.is_authenticated and not getattr(view, "is_poll", False):
            seen = _now()
            if seen - request.session.get(_SEEN, 0) >= _STEP_SECONDS:
                request.session[_SEEN] = seen


def _ended(request: HttpRequest) -> bool:
    """Just now, or elsewhere: the browser still shows the cookie of a session that somebody has ended."""
    if hasattr(request, "session_ended"):
        return True
    is_shown = bool(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return is_shown and not request.user.is_authenticated and request.session.session_key is None


def _over(request: HttpRequest) -> str:
    """Why the session is over, or the empty string. One that does not say when it began does not count."""
    began, seen = (int(request.session.get(name, 0)) for name in (_BEGAN, _SEEN))
    if _now() - began >= settings.SESSION_COOKIE_AGE:
        return "time is up"
    return "idle" if _now() - seen >= settings.SESSION_IDLE_SECONDS else ""


@receiver(user_logged_in)
def _begin(request: HttpRequest, **_: Any) -> None:
    request.session[_BEGAN] = request.session[_SEEN] = _now()


def _now() -> int:
    return int(clock.now().timestamp())


class PersonPreferences:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        person = request.user
        if not isinstance(person, User):
            return self.get_response(request)
        if person.language:
            translation.activate(person.language)
            request.LANGUAGE_CODE = translation.get_language()
        with timezone.override(zone_of(person)):
            return self.get_response(request)
