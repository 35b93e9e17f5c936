"""Whether a catalogue is read: one account and region that was read to its end."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.setup.steps import Standing, Step
from catalog.models import Place, SyncRun
from catalog.models.places import Result


def step(_now: datetime) -> Step:
    done = SyncRun.objects.filter(place__enabled=True, result=Result.DONE).select_related("place").order_by("-pk")
    read = done.first()
    return Step(
        code="place",
        title=_("An account and region is watched"),
        why=_("The desk reads Service Catalog there: names of products, their templates, and which have a gate."),
        standing=Standing.DONE if read else Standing.TODO,
        seen=(_("%(place)s was read.") % {"place": read.place} if read else _waiting(),),
        todo=_(
            "The worker adds the desk's own account by itself. Other accounts take a spoke with a reading role and a "
            "place in GATEHOUSE_READER_ACCOUNTS."
        ),
        links=((_("Accounts and regions"), reverse("places")),),
    )


def _waiting() -> str:
    """Why there is nothing yet."""
    place = Place.objects.filter(enabled=True).order_by("pk").first()
    if place is None:
        return _("Nothing is watched yet.")
    return _("%(place)s is watched and was not read to its end yet.") % {"place": place}
