"""“Is it still you?” asked of the OpenID Connect provider somebody came through: they sign in there once more, and it
says when they did.

Invariant: only the moment that the provider names counts, never that somebody came back. One that names none is not
asked again in this session; the other ways, a code by e-mail among them, are always there.
"""

from __future__ import annotations

from typing import Any, NoReturn

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from portal.accounts import stepup
from portal.accounts.signin import PROVED_AT, PROVIDER, identities, refusals

# In the state of a sign-in: it proves who is there, and signs nobody in.
AGAIN = "again"
_SILENT = "provider_is_silent"
# A sign-in of its own, whatever sessions are open there, and the moment of it (OpenID Connect Core §3.1.2.1).
PARAMETERS = {"prompt": "login", "max_age": "0"}


def ways(request: HttpRequest) -> list[dict[str, Any]]:
    """In allauth's form, the provider of this session, if there is one that can be asked."""
    through = str(request.session.get(PROVIDER, ""))
    known = through in {app["provider_id"] for app in settings.GATEHOUSE_OIDC}
    if not known or request.session.get(_SILENT) == through:
        return []
    label = _("Sign in at %(provider)s once more") % {"provider": identities.provider_name(through)}
    return [{"id": "provider", "description": label, "url": reverse("openid_connect_again", args=[through])}]


def settle(request: HttpRequest, login: Any) -> NoReturn:
    """Whoever came back from there goes on where they were, or is led to another way of proving it."""
    if not login.is_existing or login.user != request.user:
        refusals.refuse(request, refusals.WhyNot.SOMEBODY_ELSE, login.provider)
    provider, next_url = login.account.provider, login.get_redirect_url(request) or "/"
    request.session[PROVIDER], request.session[PROVED_AT] = provider, login.claims.proved_at
    record_authentication(request, login.user, "socialaccount", provider=provider, reauthenticated=True)
    if stepup.is_fresh(request):
        # What was posted before it had to be proved is done now: allauth looks for it by `next`.
        request.GET = QueryDict(urlencode({"next": next_url}))
        raise ImmediateHttpResponse(resume_request(request) or redirect(next_url))
    request.session[_SILENT] = provider
    messages.warning(
        request, _("%(provider)s did not say that you signed in there just now.") % {"provider": login.provider}
    )
    raise ImmediateHttpResponse(stepup.prove_again(request, next_url))
