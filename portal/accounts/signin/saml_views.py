"""The doors of SAML. Imported only where a SAML provider is configured: python3-saml is an optional part."""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

from allauth.socialaccount.providers.saml import views
from allauth.socialaccount.sessions import LoginSession
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from onelogin.saml2.errors import OneLogin_Saml2_Error

from portal.accounts.signin.refusals import WhyNot, page
from portal.accounts.signin.views import View, counted, from_here

# A large assertion with all its groups has some tens of kilobytes; it lies in a session until the next step.
MAX_ASSERTION = 200_000
# The browser follows the redirect at once; what nobody fetches is cleared away with the sessions that are over.
_KEPT_SECONDS = 300


def _guarded(view: Any) -> View:
    """Provider not reachable, metadata that is none, an answer that belongs to no sign-in of this browser."""

    def inner(request: HttpRequest, organization_slug: str) -> HttpResponse:
        _name_host(request)
        try:
            answer: HttpResponse = view(request, organization_slug=organization_slug)
        except PermissionDenied:
            return page(request, WhyNot.FAILED, organization_slug.upper(), "no such sign-in")
        except (SyntaxError, ValueError) as error:  # no XML, no base64
            return page(request, WhyNot.FAILED, organization_slug.upper(), type(error).__name__)
        except (OSError, OneLogin_Saml2_Error) as error:
            return page(request, WhyNot.UNREACHABLE, organization_slug.upper(), type(error).__name__)
        return answer

    return inner


login = counted(from_here(_guarded(views.login)))
finish = counted(_guarded(views.finish_acs))
metadata = counted(_guarded(views.metadata))


@csrf_exempt
@require_POST
@counted
def acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Browsers send no cookie of ours with another site's POST, so it is put aside for the GET that follows."""
    _name_host(request)
    if sum(len(value) for name in request.POST for value in (name, *request.POST.getlist(name))) > MAX_ASSERTION:
        return HttpResponseBadRequest()
    if not _is_base64(request.POST.get("SAMLResponse", "")):
        return page(request, WhyNot.FAILED, organization_slug.upper(), "no base64")
    # The one that the view is about to use.
    LoginSession(request, "saml_acs_session", "saml-acs-session").store.set_expiry(_KEPT_SECONDS)
    return cast("HttpResponse", views.acs(request, organization_slug=organization_slug))


def _is_base64(text: str) -> bool:
    """Some providers break the lines."""
    try:
        return bool(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):  # not even ASCII
        return False


def _name_host(request: HttpRequest) -> None:
    """allauth reads the header where Django would have checked it, and where there may be none."""
    request.META["HTTP_HOST"] = request.get_host()
