"""The person's own page, and the language switch."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from portal.accounts.forms import PreferencesForm
from portal.accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def preferences(request: HttpRequest) -> HttpResponse:
    person = cast("User", request.user)
    form = PreferencesForm(request.POST or None, instance=person)
    if not form.is_valid():
        context = {"here": "preferences", "form": form, "providers": settings.GATEHOUSE_OIDC or settings.GATEHOUSE_SAML}
        return render(request, "accounts/preferences.html", context, status=422 if form.errors else 200)
    person.save(update_fields=["language", "time_zone", "mail_wish"])
    with override(person.language or get_language()):
        messages.success(request, _("Saved."))
    return redirect("preferences")


@require_POST
def language(request: HttpRequest) -> HttpResponseBase:
    """Switch for this browser and, where somebody is signed in, for the person."""
    chosen = request.POST.get("language", "")
    if isinstance(request.user, User) and chosen in dict(settings.LANGUAGES):
        request.user.language = chosen
        request.user.save(update_fields=["language"])
    return set_language(request)
