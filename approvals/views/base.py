"""What every view of the desk stands on: somebody is signed in, and they see only what they may see."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from approvals.actor import Actor
from approvals.choices import Channel
from approvals.context import sections_of
from approvals.errors import Refused, Why
from approvals.models import LaunchRequest
from portal.accounts import stepup
from portal.accounts.models import User

log = structlog.get_logger(__name__)


class PersonRequest(HttpRequest):
    """A request of somebody who is signed in: what `for_people` hands to a view."""

    user: User
    htmx: HtmxDetails


def for_people(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Only for people who are signed in; what they see is stored by no cache. A poll of a page whose person
    is gone reloads the page, which then asks to sign in."""

    @never_cache
    @wraps(view)
    def guarded(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.htmx:
            return HttpResponseClientRefresh()
        if request.method == "POST":
            messages.warning(request, _("What you have just sent was not done: you were not signed in any more."))
        return redirect_to_login(_where(request))

    return guarded


def _where(request: HttpRequest) -> str:
    """The page somebody looks at: where they come back to after signing in."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    page = urlsplit(request.headers.get("Referer", ""))
    return page._replace(scheme="", netloc="").geturl() if page.netloc == request.get_host() else "/"


def may_see(request: HttpRequest) -> None:
    """The catalogue, for administrators and auditors; for everybody else there are no such pages."""
    if not isinstance(request.user, User) or "catalogue" not in sections_of(request.user):
        raise Http404


def may_act(request: PersonRequest) -> None:
    """What is done about catalogue and people is for administrators; auditors read, others find nothing there."""
    may_see(request)
    if not request.user.is_administrator:
        raise Http404


def visible(person: User, uuid: UUID) -> LaunchRequest:
    """The request, or 404 where this person may not even know that it exists."""
    requests = LaunchRequest.objects.visible_to(person).select_related(
        "requester", "claimed_by", "decision__decided_by", "link_decision", "granted_pass"
    )
    return get_object_or_404(requests, uuid=uuid)


def at_the_desk(person: User) -> Actor:
    return Actor(person, Channel.DESK)


def log_refusal(person: User, subject: str, verb: str, refused: Refused) -> None:
    """`subject`: the number of a request, or what of operations the verb was for."""
    log.info("verb refused", person=person.pk, subject=subject, verb=verb, why=refused.why.value)


def prove_again(request: PersonRequest, refused: Refused, back: str) -> HttpResponse | None:
    """Where only a proof is missing of who is in front of the browser: the way to give it, which leads `back`."""
    if refused.why is not Why.PROVE_AGAIN:
        return None
    messages.warning(request, refused.sentence)
    return stepup.prove_again(request, back)
