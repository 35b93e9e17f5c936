"""Signing in on one page: with a password, or without one by a code that comes by e-mail."""

from __future__ import annotations

import zoneinfo
from typing import Any

from allauth.account.forms import LoginForm
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User


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


def _languages() -> list[tuple[str, Any]]:
    return [("", _("As the browser says")), *settings.LANGUAGES]


def _zones() -> list[tuple[str, str]]:
    return [("", "UTC"), *((name, name) for name in sorted(zoneinfo.available_timezones()))]


class PreferencesForm(forms.ModelForm[User]):
    """What a person chooses for themselves. Names and addresses are not among it: decisions are signed with them."""

    language = forms.ChoiceField(label=_("Language"), choices=_languages, required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=_zones, required=False)

    class Meta:
        model = User
        fields = ("language", "time_zone")
