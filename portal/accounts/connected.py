"""The person's own list of identities at providers that open this account."""

from __future__ import annotations

from typing import cast

from allauth.socialaccount.models import SocialAccount
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.accounts import bound, stepup
from portal.accounts.models import User
from portal.accounts.signin import identities


@require_safe
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    mine = SocialAccount.objects.filter(user=cast("User", request.user)).order_by("pk")
    rows = [(one, identities.provider_name(one.provider)) for one in mine]
    context = {"here": "preferences", "rows": rows, "removable": not bound.is_on()}
    return render(request, "accounts/connected.html", context)


@require_POST
@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """The next sign-in there connects it anew, if it still has this person's address. Where it is what keeps the other
    doors shut, only an administrator takes it away."""
    if bound.is_on():
        raise Http404
    account = get_object_or_404(SocialAccount, pk=pk, user=cast("User", request.user))
    if not stepup.is_fresh(request):
        return stepup.prove_again(request, reverse("connected_signins"))
    identities.remove(account)
    messages.success(request, _("Removed. You can still sign in with your address."))
    return redirect("connected_signins")
