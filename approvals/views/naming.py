"""A name after an @ that reaches nobody: its writer is told, who thinks otherwise that somebody got a mail."""

from __future__ import annotations

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.models import LaunchRequest
from approvals.talk import mentions
from approvals.views.base import PersonRequest
from portal.accounts.models import User
from portal.phrases import joined

_MOST = 5


def nobody(launch: LaunchRequest, writer: User, text: str, *, note: bool) -> str:
    """What to tell the writer of a message (or note); empty where every name reaches somebody."""
    if "@" not in text:
        return ""
    names = mentions.unknown(text, mentions.nameable(launch, writer, note=note))[:_MOST]
    said = ngettext(
        "%(names)s names nobody who may read this, so nobody was told.",
        "%(names)s name nobody who may read this, so nobody was told.",
        len(names),
    )
    return said % {"names": joined(names)} if names else ""


def tell(request: PersonRequest, launch: LaunchRequest, text: str, *, note: bool) -> None:
    """After a message was taken."""
    if said := nobody(launch, request.user, text, note=note):
        messages.warning(request, said)


def tell_of_reason(request: PersonRequest, text: str) -> None:
    """After a decision: a reason names nobody, whatever stands in it."""
    if names := mentions.unknown(text, [])[:_MOST]:
        said = _("Nobody was told because of %(names)s: only a message in the conversation tells somebody.")
        messages.warning(request, said % {"names": joined(names)})
