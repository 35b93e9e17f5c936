"""Forms of the desk's own pages."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from catalog import aws, partitions, places
from catalog.models import Place, Version
from catalog.models.publishing import Retirement


class PlaceForm(forms.Form):
    """An account and region to watch. What is wrong is said with what to do."""

    account = forms.CharField(
        label=_("Account"), widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    )
    region = forms.CharField(
        label=_("Region"), widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "eu-central-1"})
    )
    label = forms.CharField(label=_("Name at the desk"), max_length=100, required=False)
    role_arn = forms.CharField(
        label=_("Another role than the spoke's"),
        max_length=2048,
        required=False,
        help_text=_(
            "Usually empty: the template of the spoke makes a role called gatehouse-desk-reader and the region. A role "
            "of yours has to trust the desk's role with the external id that the desk has as "
            "GATEHOUSE_READER_EXTERNAL_ID."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_account(self) -> str:
        account = re.sub(r"[\s-]", "", str(self.cleaned_data["account"]))
        if not re.fullmatch(r"[0-9]{12}", account):
            raise forms.ValidationError(_("An account id has twelve digits."))
        if account not in settings.GATEHOUSE_READER_ACCOUNTS and account != _own_account():
            raise forms.ValidationError(
                _(
                    "The desk may not read in this account. Deploy the spoke there, add the account to "
                    "GATEHOUSE_READER_ACCOUNTS, restart the desk, and add it here again."
                )
            )
        return account

    def clean_region(self) -> str:
        region = str(self.cleaned_data["region"]).strip().lower()
        if region not in places.regions():
            raise forms.ValidationError(
                _("There is no such region with Service Catalog; write for example eu-central-1.")
            )
        if partitions.of_region(region) != partitions.of_region(aws.own_region()):
            raise forms.ValidationError(
                _("This region is in another partition of AWS than the desk; a desk there can watch it.")
            )
        return region

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        role, account, region = (str(given.get(name, "")) for name in ("role_arn", "account", "region"))
        if role and account and region:
            if account not in settings.GATEHOUSE_READER_ACCOUNTS:
                self.add_error("role_arn", _("In its own account the desk reads with its own role."))
            elif not places.is_role_of(role, account, region):
                self.add_error("role_arn", _("This is not the ARN of a role in that account."))
        return given

    def place(self) -> Place:
        given = self.cleaned_data
        return Place(**{name: given[name].strip() for name in ("account", "region", "label", "role_arn")})


def _own_account() -> str:
    try:
        return aws.own_account()
    except (BotoCoreError, ClientError):
        raise forms.ValidationError(
            _("AWS does not say which account the desk is in. Check the desk's credentials and try again.")
        ) from None


class PublishForm(forms.Form):
    """How to gate, and what becomes of versions without a gate. Without `versions` nobody chooses one."""

    source = forms.ChoiceField(
        label=_("Version to gate"),
        help_text=_("Its template gets the gate and becomes a new version. The version itself is not changed."),
    )
    retire = forms.ChoiceField(
        label=_("What shall become of versions that no gate holds?"),
        choices=Retirement.choices,
        help_text=_("Whoever launches one of them, or updates to it, is asked by nobody. What runs is left running."),
    )
    gate_updates = forms.BooleanField(
        label=_("Ask about changed parameters, too"),
        help_text=_("Without it only a launch and a change of the version wait for an approval."),
        required=False,
        initial=True,
    )
    upgrade = forms.BooleanField(
        label=_("Replace gates that were written by hand"),
        help_text=_("Without it, a version with such a gate is left as it is, and no new version is made of it."),
        required=False,
    )
    email_parameter = forms.CharField(
        label=_("Parameter with the requester's e-mail address"),
        max_length=255,
        required=False,
        help_text=_("Usually empty: one that is there is found, else one is added."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, versions: list[Version] | None, data: Any = None) -> None:
        super().__init__(data)
        if versions is None:
            del self.fields["source"]
        else:
            source = self.fields["source"]
            assert isinstance(source, forms.ChoiceField)  # noqa: S101 - the field is the one above
            source.choices = [(one.artifact_id, f"{one.name[:80]} ({one.artifact_id})") for one in versions]

    @property
    def options(self) -> dict[str, Any]:
        """For catalog.gating."""
        return {name: self.cleaned_data[name] for name in ("gate_updates", "upgrade", "email_parameter")}
