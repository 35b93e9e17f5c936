"""Why a sign-in at a provider did not end at the desk, as a page that says what to do next."""

from __future__ import annotations

from enum import StrEnum
from typing import NoReturn

import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

log = structlog.get_logger(__name__)


class WhyNot(StrEnum):
    NO_ADDRESS = "no_address"
    UNKNOWN = "unknown"
    NO_GROUP = "no_group"
    DEACTIVATED = "deactivated"
    OTHER_IDENTITY = "other_identity"
    SOMEBODY_ELSE = "somebody_else"
    GROUPS_WITHHELD = "groups_withheld"
    ONLY_THERE = "only_there"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


_SENTENCES = {
    WhyNot.NO_ADDRESS: _(
        "%(provider)s did not say that your e-mail address is verified, so we cannot tell which account here is yours. "
        "Sign in with a code sent to your address, or ask your administrator to have %(provider)s verify addresses."
    ),
    WhyNot.UNKNOWN: _(
        "There is no account here for your address. Accounts are made when somebody launches a product, or by an "
        "administrator: ask one to invite you."
    ),
    WhyNot.NO_GROUP: _(
        "None of your groups opens this desk. Ask an administrator of Gatehouse which group you need, or to invite you."
    ),
    WhyNot.DEACTIVATED: _(
        "This account was deactivated by an administrator of Gatehouse. Ask one of them to reactivate it."
    ),
    WhyNot.OTHER_IDENTITY: _(
        "The account with your address belongs to another identity at %(provider)s. If your address was somebody "
        "else's before, ask an administrator of Gatehouse to forget the earlier identity."
    ),
    WhyNot.SOMEBODY_ELSE: _(
        "You signed in at %(provider)s as somebody else than here, so nothing was confirmed. Go back and choose "
        "another way, or sign in at %(provider)s as yourself."
    ),
    WhyNot.GROUPS_WITHHELD: _(
        "%(provider)s did not list your groups, because you have too many, so we cannot tell what you may do here. "
        "An administrator of %(provider)s has to limit the groups claim to groups assigned to the application."
    ),
    WhyNot.ONLY_THERE: _("Your account opens only through %(provider)s: choose it on the sign-in page."),
    WhyNot.CANCELLED: _("You did not finish at %(provider)s. Nothing happened; try again, or choose another way."),
    WhyNot.FAILED: _(
        "The answer of %(provider)s could not be used: it was too old, was used before, or belongs to another sign-in. "
        "Begin again from here. If it fails again, tell an administrator."
    ),
    WhyNot.UNREACHABLE: _(
        "%(provider)s does not answer. Try again in a minute, or sign in with a code sent to your address."
    ),
}
_CALM = (WhyNot.CANCELLED,)


def page(request: HttpRequest, why: WhyNot, provider: object, detail: str = "") -> HttpResponse:
    """The page, and a line in the log; `detail` is for the log only."""
    log.warning("sign-in at a provider refused", why=why.value, provider=str(provider), detail=detail)
    context = {"sentence": _SENTENCES[why] % {"provider": provider}, "calm": why in _CALM}
    return render(request, "socialaccount/refused.html", context, status=200 if why in _CALM else 403)


def refuse(request: HttpRequest, why: WhyNot, provider: object) -> NoReturn:
    raise ImmediateHttpResponse(page(request, why, provider))
