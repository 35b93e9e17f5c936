"""Switching mails off from a mail (RFC 8058): a signed token that names one person and does nothing else.

It never expires, because old mails are kept, and grants no sight: whoever has it can only wish for no mails.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from portal.accounts.models import MailWish, User


def _signer() -> Signer:
    return Signer(salt="approvals.notifications.stopping")


def stop_url(person: User) -> str:
    token = _signer().sign(person.uuid.hex)
    return settings.GATEHOUSE_DESK_URL + reverse("mails_stop", args=[token])


def person_of(token: str) -> User | None:
    """Whose mails the token switches off; None for anything that was not signed here."""
    try:
        return User.objects.filter(uuid=UUID(_signer().unsign(token))).first()
    except (BadSignature, ValueError):
        return None


def stop(person: User) -> None:
    """From now on only what cannot be switched off; deliveries that wait are given up (`wishes.heed`)."""
    person.mail_wish = MailWish.NONE
    person.save(update_fields=["mail_wish"])
