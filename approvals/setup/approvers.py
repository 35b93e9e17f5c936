"""Whether somebody can decide: an approver beside the administrator, as nobody decides on a launch of their own."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.setup.steps import Standing, Step
from portal.accounts.models import User


def step(_now: datetime) -> Step:
    deciding = User.objects.filter(is_active=True, memberships__may_decide=True, memberships__team__is_default=True)
    found = list(deciding.distinct().order_by("pk").values_list("is_administrator", flat=True)[:100])
    enough = len(found) > 1 or found == [False]
    return Step(
        code="approver",
        title=_("Somebody can decide"),
        why=_("Launches go to the default team. Nobody decides on a launch of their own, so it takes somebody else."),
        standing=Standing.DONE if enough else Standing.TODO,
        seen=(_seen(len(found)),),
        todo=_("Add an approver beside the administrator. They sign in by a code that is mailed to them."),
        commands=("python manage.py add_person bea@example.com --name Bea --approver",),
        links=((_("People"), reverse("people")),),
    )


def _seen(number: int) -> str:
    if not number:
        return _("Nobody may decide yet.")
    return ngettext("%(n)d person may decide.", "%(n)d people may decide.", number) % {"n": number}
