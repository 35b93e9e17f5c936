"""One log line for whoever comes, fails to come in, or goes.

Addresses that were typed are keyed digests: attempts on one account can be told from attempts on many, and a
password typed into the wrong field is not kept.
"""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import login_code_rejected
from allauth.core.internal.httpkit import get_client_ip
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from portal.accounts.models import User

log = structlog.get_logger(__name__)


def not_signed_in(request: HttpRequest | None, address: str, why: str) -> None:
    log.warning("sign-in failed", account=digest(address), why=why, ip=ip(request))


def digest(address: str) -> str:
    """The same for the same address, while the secret key is the same."""
    return salted_hmac("gatehouse.journal", address.strip().lower()).hexdigest()[:16]


@receiver(user_logged_in)
def _in(request: HttpRequest, user: User, **_: Any) -> None:
    how = [record["method"] for record in get_authentication_records(request, user)]
    log.info("signed in", person=user.pk, account=digest(user.email), how=how, ip=ip(request))


@receiver(user_logged_out)
def _out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        log.info("signed out", person=user.pk, ip=ip(request))


@receiver(user_login_failed)
def _wrong_password(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    not_signed_in(request, str(credentials.get("email", "")), "wrong password")


@receiver(login_code_rejected)
def _wrong_code(request: HttpRequest, user: User, **_: Any) -> None:
    not_signed_in(request, user.email, "wrong code")


@receiver(authentication_failed)
def _wrong_factor(request: HttpRequest, user: User, **_: Any) -> None:
    not_signed_in(request, user.email, "wrong second factor")


def ip(request: HttpRequest | None) -> str:
    """Empty where nobody can know it."""
    return (get_client_ip(request) or "") if request else ""
