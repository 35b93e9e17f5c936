"""allauth's forms about passwords, with labels that are plain sentences in place of Titles Like These."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.utils.translation import gettext_lazy as _

_LABELS = {
    "email": _("E-mail address"),
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password, once more"),
}


class PlainWords(forms.BaseForm):
    """A placeholder that repeats the label says nothing, and vanishes while one types."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = _LABELS.get(name, field.label)
            field.widget.attrs["placeholder"] = ""


class ChangeForm(PlainWords, allauth.ChangePasswordForm):
    pass


class SetForm(PlainWords, allauth.SetPasswordForm):
    pass


class ResetForm(PlainWords, allauth.ResetPasswordForm):
    pass


class ResetKeyForm(PlainWords, allauth.ResetPasswordKeyForm):
    pass
