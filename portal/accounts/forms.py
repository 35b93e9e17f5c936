"""Signing in on one page: with a password, or without one by a code that comes by e-mail."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm, RequestLoginCodeForm
from allauth.core import context
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.accounts import attempts, bound, journal, zones
from portal.accounts.models import MailWish, User
from portal.accounts.password_forms import PlainWords


class CodeForm(PlainWords, RequestLoginCodeForm):
    """allauth's, with our limits in place of the one that lets anybody use up somebody's mails."""

    def clean_email(self) -> str:
        address = str(self.cleaned_data["email"])
        if not attempts.count(context.request, "code", address):
            journal.not_signed_in(context.request, address, "too many codes")
            raise get_adapter().validation_error("too_many_login_attempts")
        address = str(super().clean_email())
        if bound.is_bound(address):
            self._user = None  # as if nobody had it; the mail says more
        return address


class SignInForm(LoginForm):
    """An empty password, or the button called `code`, asks for a sign-in code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        self.fields["login"].widget.attrs |= {"autofocus": True, "placeholder": ""}
        self.fields["password"].required = "code" not in self.data
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs |= {"placeholder": ""}

    def clean_password(self) -> str:
        return "" if "code" in self.data else str(self.cleaned_data["password"])

    def _clean_without_password(self, email: str | None, phone: str | None) -> dict[str, Any]:
        form = CodeForm({"email": email})
        if form.is_valid():
            self.user = form._user  # noqa: SLF001 - how allauth's own forms hand it on
        else:
            self.add_error("login", form.errors["email"])
        return self.cleaned_data


def _languages() -> list[tuple[str, Any]]:
    return [("", _("As the browser says")), *settings.LANGUAGES]


class PreferencesForm(forms.ModelForm[User]):
    """What a person chooses for themselves. Names and addresses are not among it: decisions are signed with them."""

    language = forms.ChoiceField(label=_("Language"), choices=_languages, required=False)
    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, help_text=_("All times at the desk are shown in it.")
    )
    mail_wish = forms.ChoiceField(
        label=_("Mails about launches"),
        choices=MailWish.choices,
        required=False,
        help_text=_(
            "The daily mail comes at 8:00 in your time zone. A launch may be over by then, so the last reminder to"
            " decide on it comes at once; “None” leaves that out, too. Sign-in codes, changes of your account,"
            " questions about your own launches and alarms to administrators always come, and at once."
        ),
    )

    class Meta:
        model = User
        fields = ("language", "time_zone", "mail_wish")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = zones.choices(self.instance.time_zone)  # type: ignore[attr-defined]

    def clean_mail_wish(self) -> str:
        return str(self.cleaned_data["mail_wish"] or self.instance.mail_wish)


class PasskeyForm(AddWebAuthnForm):
    """A passkey that opens the door alone, unless its person wants it as a second factor only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
        self.fields["name"].widget.attrs |= {"maxlength": 100, "autocomplete": "off"}
        if alone := self.fields.get("passwordless"):
            alone.initial = True
            alone.label = _("Sign in with it alone")
            alone.help_text = _("Without password or code. The device then asks for finger, face or PIN each time.")
