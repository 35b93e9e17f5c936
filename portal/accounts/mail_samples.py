"""Every mail about signing in, with made-up facts, for the page that shows them. Sends nothing and needs no rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.mail import EmailMultiAlternatives
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.accounts import changes

_ADDRESS, _PROVIDER = "rita@example.com", "Example SSO"
_CODE = "SMPL-CDXY"
_WHO_ASKS, _WHOSE = _("Whoever asks for it"), _("The owner of the account")


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is that of the template; `change` says of a mail about a change which one. `what` happened, and who
    reads it."""

    name: str
    change: str
    what: str | Promise
    whom: str | Promise


_ASKED_FOR = (
    Kind("login_code", "", _("Somebody signs in without a password"), _WHO_ASKS),
    Kind("proving_code", "", _("Something needs proof of who it is"), _WHO_ASKS),
    Kind("password_reset_key", "", _("A new password is wanted"), _WHO_ASKS),
    Kind("unknown_account", "", _("Nobody has the address that was typed"), _WHO_ASKS),
    Kind("only_through", "", _("Only a provider opens this account"), _WHO_ASKS),
)
# By the last part of allauth's names, which differ in it.
_CHANGES = {mail.rpartition("/")[2]: mail for mail in changes.SENTENCES}


def kinds() -> list[Kind]:
    changed = [Kind("changed", change, _("A way to sign in was changed"), _WHOSE) for change in _CHANGES]
    return [*_ASKED_FOR, *changed]


def sample(kind: Kind) -> EmailMultiAlternatives:
    """In the active language and zone, drawn as the mail itself would be. Inside a request, as allauth needs one."""
    message = get_adapter().render_mail(f"account/email/{kind.name}", _ADDRESS, _facts(kind))
    assert isinstance(message, EmailMultiAlternatives)  # noqa: S101 - each has a text
    return message


def _facts(kind: Kind) -> dict[str, Any]:
    if kind.change:
        said = {"left": 9, "provider": _PROVIDER}
        agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
        return changes.words(_CHANGES[kind.change], said, user_agent=agent, ip="203.0.113.9")
    link = get_adapter().get_reset_password_from_key_url("0-made-up")
    return {"code": _CODE, "providers": _PROVIDER, "password_reset_url": link}
