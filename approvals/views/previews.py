"""The mails that administrators look at before people get them: what the desk tells, and what signing in brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals.choices import NoticeCode
from approvals.notifications import samples
from approvals.notifications.content import Rendered
from approvals.notifications.readers import Role
from approvals.setup import mails as setup_mails
from portal import clock
from portal.accounts import mail_samples

# What stands in an address instead of the code of a happening.
ACCOUNT, SETUP = "account", "setup"
_ROLES = {Role.DESK: _("Approvers"), Role.REQUESTER: _("Requester"), Role.ADMINISTRATOR: _("Administrators")}
_ABOUT_THEM = {NoticeCode.INVITED: _("Whoever is invited"), NoticeCode.RIGHTS: _("The owner of the account")}


@dataclass(frozen=True, slots=True)
class Preview:
    """`parts`: what its address is made of. `draw` renders it in the active language and zone."""

    parts: tuple[str, ...]
    what: str | Promise
    whom: str | Promise
    draw: Callable[[], Rendered]

    @property
    def path(self) -> str:
        return reverse("mail_preview", args=self.parts)

    @property
    def html_path(self) -> str:
        return reverse("mail_preview_html", args=self.parts)


def groups() -> list[tuple[str | Promise, list[Preview]]]:
    """With the name of each."""
    told = [_told(code, role, end) for code, role, end in samples.kinds()]
    test = Preview((SETUP, "test"), _("The first run is tested"), _ROLES[Role.ADMINISTRATOR], setup_mails.written)
    signing_in = [_signing_in(kind) for kind in mail_samples.kinds()]
    return [(_("From the desk"), [*told, test]), (pgettext_lazy("mails", "Signing in"), signing_in)]


def find(*parts: str) -> Preview | None:
    wanted = _parts(*parts)
    return next((one for _name, group in groups() for one in group if one.parts == wanted), None)


def _told(code: str, role: Role, end: str) -> Preview:
    what: Any = _("Many messages in one mail") if code == samples.DIGEST else NoticeCode(code).label
    whom = _ROLES[role] if code == samples.DIGEST else _ABOUT_THEM.get(NoticeCode(code), _ROLES[role])
    return Preview(_parts(code, role.value, end), what, whom, lambda: samples.sample(code, role, end, clock.now()))


def _signing_in(kind: mail_samples.Kind) -> Preview:
    return Preview(_parts(ACCOUNT, kind.name, kind.change), kind.what, kind.whom, partial(_drawn, kind))


def _drawn(kind: mail_samples.Kind) -> Rendered:
    message = mail_samples.sample(kind)
    ((html, _type),) = message.alternatives
    return Rendered(subject=str(message.subject), text=str(message.body), html=str(html))


def _parts(*parts: str) -> tuple[str, ...]:
    return tuple(filter(None, parts))
