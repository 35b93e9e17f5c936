"""The person's own list of identities at providers that open this account."""

from __future__ import annotations

from typing import cast

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.accounts import stepup
from portal.accounts.models import User
from portal.accounts.signin import identities


@require_safe
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    names = {app["provider_id"]: app["name"] for app in [*settings.GATEHOUSE_OIDC, *settings.GATEHOUSE_SAML]}
    mine = SocialAccount.objects.filter(user=cast("User", request.user)).order_by("pk")
    rows = [(one, names.get(one.provider, one.provider)) for one in mine]
    return render(request, "accounts/connected.html", {"here": "preferences", "rows": rows})


@require_POST
@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """The next sign-in there connects it anew, if it still has this person's address."""
    account = get_object_or_404(SocialAccount, pk=pk, user=cast("User", request.user))
    if not stepup.is_fresh(request):
        return stepup.prove_again(request, reverse("connected_signins"))
    identities.remove(account)
    messages.success(request, _("Removed. You can still sign in with your address."))
    return redirect("connected_signins")
