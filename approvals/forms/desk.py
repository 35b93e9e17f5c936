"""What administrators write down for those who decide: sensitive products and accounts, prepared reasons."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from approvals.actions.base import clean_text
from approvals.models import CannedReason, Sensitivity
from approvals.review.sensitivity import folded

_PRODUCT = re.compile(r"prod-[a-z0-9]{1,60}")
_ACCOUNT = re.compile(r"[0-9]{12}")


class Clean(forms.CharField):
    """One line without characters nobody sees."""

    def to_python(self, value: Any) -> str:
        return " ".join(clean_text(super().to_python(value) or "", required=False).split())


class SensitiveForm(forms.Form):
    subject = forms.ChoiceField(label=_("What"), choices=Sensitivity.Subject.choices)
    value = Clean(
        label=_("Product id or account number"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "list": "known"}),
        help_text=_("For example prod-abc123, or twelve digits."),
    )
    name = Clean(
        label=_("Name to type"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Whoever approves types it. Choose the name people know it by."),
    )
    why = Clean(
        label=_("Why it is sensitive"), max_length=300, required=False, help_text=_("Whoever decides reads it.")
    )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if not folded(name):
            raise forms.ValidationError(_("Nobody can type this name."))
        return name

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        value = (
            re.sub(r"[\s-]", "", given.get("value", ""))
            if given.get("subject") == "account"
            else given.get("value", "")
        )
        if given.get("subject") == Sensitivity.Subject.ACCOUNT and not _ACCOUNT.fullmatch(value):
            self.add_error("value", _("An account number has twelve digits."))
        if given.get("subject") == Sensitivity.Subject.PRODUCT and not _PRODUCT.fullmatch(value):
            self.add_error("value", _("The id of a product begins with prod-."))
        return {**given, "value": value}


class ReasonForm(forms.Form):
    label = Clean(
        label=_("Name in the list"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Short; only whoever decides sees it."),
    )
    text = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The requester reads it. Say what they can do instead."),
    )

    def clean_text(self) -> str:
        text = clean_text(str(self.cleaned_data["text"]), required=False)
        if not text:
            raise forms.ValidationError(_("Please write a sentence; the other side reads it."))
        return text

    @classmethod
    def of(cls, reason: CannedReason) -> ReasonForm:
        return cls(initial={"label": reason.label, "text": reason.text})
