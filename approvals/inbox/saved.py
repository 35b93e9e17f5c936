"""Saved views: a person's names for filters. They are nobody else's, and there is an end to how many."""

from __future__ import annotations

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from approvals.inbox import filters
from approvals.models import SavedView
from portal.accounts.models import User

MOST, LONGEST = 30, 1000


class ViewForm(forms.Form):
    """`query` is read as the inbox reads it: what is kept are filters that hold."""

    name = forms.CharField(max_length=60)
    query = forms.CharField(max_length=2000, required=False)

    def clean_query(self) -> str:
        query = filters.of(self.cleaned_data["query"]).query()
        if len(query) > LONGEST:
            raise forms.ValidationError("", code="too_long")
        return query


class TooMany(Exception):
    """They have as many views as there may be."""

    sentence = _("You have %(most)d saved views already. Delete one of them first.")


@transaction.atomic(durable=True)
def save(person: User, name: str, query: str) -> SavedView:
    """Keep the filters under this name, in the place of those it had. Raises TooMany."""
    User.objects.select_for_update().get(pk=person.pk)
    known = SavedView.objects.filter(person=person)
    if known.count() >= MOST and not known.filter(name=name).exists():
        raise TooMany
    view, _made = SavedView.objects.update_or_create(person=person, name=name, defaults={"query": query})
    return view
