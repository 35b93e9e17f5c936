"""Forms about people: what is typed, and what it must look like. What it may change, the verbs say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals.models import Team
from portal.accounts.names import name_of


class InviteForm(forms.Form):
    address = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=150, required=False)
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.order_by("name"),
        required=False,
        empty_label=_("None"),
        help_text=_("Members of a team decide on the requests that come to it."),
    )
    may_decide = forms.BooleanField(label=_("May decide"), required=False, initial=True)
    is_notified = forms.BooleanField(label=_("Is told about requests by mail"), required=False, initial=True)
    administrator = forms.BooleanField(
        label=_("Administrator"), required=False, help_text=_("Looks after the desk, its people and its catalogue.")
    )
    auditor = forms.BooleanField(label=_("Auditor"), required=False, help_text=_("Reads everything, changes nothing."))

    def clean_name(self) -> str:
        return name_of(self.cleaned_data["name"])

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(role for role in ("administrator", "auditor") if self.cleaned_data[role])


class RolesForm(forms.Form):
    administrator = forms.BooleanField(label=_("Administrator"), required=False)
    auditor = forms.BooleanField(label=_("Auditor"), required=False)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(name for name, chosen in self.cleaned_data.items() if chosen)


class MembershipForm(forms.Form):
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.order_by("name"), empty_label=_("Choose a team")
    )
    may_decide = forms.BooleanField(label=_("May decide"), required=False, initial=True)
    is_notified = forms.BooleanField(label=_("Is told about requests by mail"), required=False, initial=True)

    def __init__(self, *args: Any, without: Iterable[int] = (), **kwargs: Any) -> None:
        """`without`: teams (keys) that are no choice."""
        super().__init__(*args, **kwargs)
        if without:
            self.fields["team"].queryset = Team.objects.exclude(pk__in=without).order_by("name")  # type: ignore[attr-defined]


class MemberForm(forms.Form):
    """Of a team: somebody who is here already, by their address."""

    address = forms.EmailField(max_length=254)
    may_decide = forms.BooleanField(required=False)
    is_notified = forms.BooleanField(required=False)


class TeamForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{kwargs.get('prefix', 'new')}_%s")
        super().__init__(*args, **{name: value for name, value in kwargs.items() if name != "prefix"})
