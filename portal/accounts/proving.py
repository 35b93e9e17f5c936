"""Proving it again by a code that comes by e-mail: for whoever signs in without a password.

The code lies in the session, which is encrypted (portal.sessions); three wrong ones or five minutes end it. GET sends
nothing.
"""

from __future__ import annotations

from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.forms import ConfirmLoginCodeForm
from allauth.account.internal.flows.code_verification import AbstractCodeVerificationProcess
from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import BaseReauthenticateView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from portal.accounts import attempts, journal
from portal.accounts.models import User

_KEY = "proving_code"
METHOD = "code"


class Process(AbstractCodeVerificationProcess):
    """One code for one person who is signed in."""

    def __init__(self, request: HttpRequest, state: dict[str, Any], person: User) -> None:
        self.request = request
        super().__init__(
            state=state,
            user=person,
            max_attempts=app_settings.LOGIN_BY_CODE_MAX_ATTEMPTS,
            timeout=app_settings.LOGIN_BY_CODE_TIMEOUT,
        )

    @classmethod
    def begin(cls, request: HttpRequest, person: User) -> None:
        process = cls(request, cls.initial_state(user=person, email=person.email), person)
        process.send()
        process.persist()

    @classmethod
    def running(cls, request: HttpRequest, person: User) -> Process | None:
        state = request.session.get(_KEY)
        if not isinstance(state, dict) or state.get("user_id") != str(person.pk):
            return None
        process = cls(request, state, person)
        found: Process | None = process.abort_if_invalid()
        return found

    def send(self) -> None:
        self.state["code"] = get_adapter().generate_login_code()
        context = {"request": self.request, "code": self.state["code"]}
        get_adapter().send_mail("account/email/proving_code", self.state["email"], context)

    def persist(self) -> None:
        self.request.session[_KEY] = self.state

    def abort(self) -> None:
        self.request.session.pop(_KEY, None)


@method_decorator([never_cache, login_required], name="dispatch")
class ProveByCode(BaseReauthenticateView):
    """First a button that has a code sent, then the field for it."""

    form_class = ConfirmLoginCodeForm
    template_name = "account/reauthenticate_by_code.html"

    def _check_ratelimit(self, request: HttpRequest) -> HttpResponse | None:
        """A code that is asked for counts with those of the sign-in page, a code that is typed as a try."""
        if request.method == "POST" and "send" in request.POST:
            return None
        over: HttpResponse | None = super()._check_ratelimit(request)
        return over

    @property
    def process(self) -> Process | None:
        return Process.running(self.request, self._person)

    @property
    def _person(self) -> User:
        assert isinstance(self.request.user, User)  # noqa: S101 - login_required
        return self.request.user

    def get_form_kwargs(self) -> dict[str, Any]:
        running = self.process
        return super().get_form_kwargs() | {"code": running.code if running else ""}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"sent": self.process is not None}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "send" in request.POST:
            return self._send(request)
        if self.process is None:
            messages.error(request, _("This code is no longer valid. Have a new one sent."))
            return self._here()
        return super().post(request, *args, **kwargs)

    def _send(self, request: HttpRequest) -> HttpResponse:
        if attempts.count(request, "code", self._person.email):
            Process.begin(request, self._person)
        else:
            messages.error(request, _("Too many codes were sent. Wait an hour, or use another way."))
        return self._here()

    def _here(self) -> HttpResponse:
        return redirect(self.passthrough_next_url(self.request.path))

    def form_valid(self, form: Any) -> HttpResponse:
        running = self.process
        if running is not None:
            running.abort()
        record_authentication(self.request, self._person, method=METHOD, reauthenticated=True)
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        journal.not_signed_in(self.request, self._person.email, "wrong code")
        running = self.process
        if running is not None and not running.record_invalid_attempt():
            messages.error(self.request, _("Too many wrong codes. Have a new one sent."))
            return self._here()
        return super().form_invalid(form)
