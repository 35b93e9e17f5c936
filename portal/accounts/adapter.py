"""How people sign in: nobody signs up, nobody learns which addresses exist, and a mail that cannot leave is a
sentence on the page."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.mfa.adapter import DefaultMFAAdapter
from anymail.exceptions import AnymailError
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portal.accounts import attempts, bound, changes, journal, stepup
from portal.accounts.reading import as_read_by
from portal.accounts.signin import again
from portal.keys import fernet

log = structlog.get_logger(__name__)
# What opens a door, or says that there is none. Whoever is let in by a provider alone gets another one instead.
_OPENING = frozenset(f"account/email/{name}" for name in ("login_code", "unknown_account", "password_reset_key"))

# Nobody's out-of-office note answers a code.
_FROM_A_MACHINE = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy("This address and this password do not go together."),
        "enter_current_password": gettext_lazy("This is not your current password."),
        "too_many_login_attempts": gettext_lazy("Too many attempts. Wait a while, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are made by intake (requesters) and by administrators."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Whoever is let in by a provider alone has no password here: any is wrong, checked and counted as one."""
        if not request.user.is_authenticated and bound.is_bound(credentials["email"]):
            credentials["password"] = secrets.token_hex()
        return super().authenticate(request, **credentials)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """`authenticate` takes the attempt back when the password was right."""
        self._login_failed_rl_usage = attempts.count(request, "login_failed", credentials["email"])
        if not self._login_failed_rl_usage:
            journal.not_signed_in(request, credentials["email"], "too many attempts")
            raise self.validation_error("too_many_login_attempts")

    def get_login_stages(self) -> list[str]:
        """What a provider said counts when everything else has passed."""
        return [*super().get_login_stages(), "portal.accounts.signin.stage.ProviderStage"]

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Whoever has a second factor proves themselves by it; a code by e-mail is for whoever has none."""
        if not user.is_authenticated:
            return []
        known: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if stronger := [method for method in known if method["id"].startswith("mfa")]:
            return stronger
        by_code = {"id": "code", "description": _("Use a code sent by e-mail"), "url": reverse("account_prove_by_code")}
        return [*again.ways(self.request), *known, by_code]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """allauth would ask people without a password or second factor for nothing. Raises
        ReauthenticationRequired: what allauth would do itself, had it been told True by itself."""
        request = context.request
        if request.user.is_authenticated and not stepup.is_fresh(request):
            raise ReauthenticationRequired
        return False

    def format_email_subject(self, subject: str) -> str:
        return f"Gatehouse{_(': ')}{subject}"

    def get_reset_password_from_key_url(self, key: str) -> str:
        """To the desk's own address, whatever host the page was asked for by."""
        uid, _dash, rest = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": rest})
        return f"{settings.GATEHOUSE_DESK_URL}{path}"

    def render_mail(
        self, template_prefix: str, email: Any, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMessage:
        """In the active language: as text and, in the frame that all mails have, as HTML."""
        frame = {"email": email, "desk_url": settings.GATEHOUSE_DESK_URL, "language": get_language()} | context
        subject = " ".join(render_to_string(f"{template_prefix}_subject.txt", frame).split())
        frame["subject"] = self.format_email_subject(subject)
        return super().render_mail(template_prefix, email, frame, _FROM_A_MACHINE | (headers or {}))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Without it nobody gets on: they read why, and can try again."""
        if template_prefix in _OPENING and bound.is_bound(email):
            template_prefix, context = "account/email/only_through", context | {"providers": bound.through()}
        if not self._sent(template_prefix, email, context):
            messages.error(
                self.request,
                _("The mail could not be sent. Please try again in a minute, or sign in with your password."),
            )
            raise ImmediateHttpResponse(redirect("account_login"))

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """What happened has happened: no page fails for this mail."""
        with as_read_by(user):
            agent, ip = self.request.headers.get("User-Agent", ""), journal.ip(self.request)
            said = changes.words(template_prefix, context or {}, user_agent=agent, ip=ip)
            self._sent(changes.MAIL, user.email, said)

    def _sent(self, template_prefix: str, email: str, context: dict[str, Any]) -> bool:
        """Straight out, not through the outbox: the person waits in front of the page. The mail client gives
        up after five seconds (settings.ANYMAIL). To the address that people are found by, however it was typed."""
        try:
            super().send_mail(template_prefix, email.lower(), context)
        except (AnymailError, BotoCoreError, ClientError, OSError) as error:
            log.error("sign-in mail not sent", mail=template_prefix, error=type(error).__name__)  # noqa: TRY400
            return False
        return True


class MFAAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes are stored encrypted."""

    def encrypt(self, text: str) -> str:
        return fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return fernet().decrypt(encrypted_text.encode()).decode()
