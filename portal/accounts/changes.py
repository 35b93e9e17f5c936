"""A mail to whom it belongs whenever a way to sign in was changed: what, when, from where, and what to do if it was
somebody else.

Invariant: a mail follows what has happened and never stands in its way; one that cannot leave is a line in the log.
What administrators change is told by approvals.notifications.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authenticator_used
from django.db import transaction
from django.dispatch import receiver
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal import clock
from portal.accounts.models import User
from portal.accounts.reading import when
from portal.accounts.signin import identities
from portal.templatetags.accounts import browser
from portal.templatetags.elements import plain

MAIL = "account/email/changed"
# By the names that allauth has for its own mails, which these take the place of.
SENTENCES = {
    "account/email/password_changed": _("The password was changed."),
    "account/email/password_set": _("A password was set."),
    "account/email/password_reset": _("The password was set anew with a link from a mail."),
    "mfa/email/totp_activated": _("An authenticator app was switched on."),
    "mfa/email/totp_deactivated": _("The authenticator app was removed."),
    "mfa/email/webauthn_added": _("A passkey was added."),
    "mfa/email/webauthn_removed": _("A passkey was removed."),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made. The earlier ones no longer work."),
    "mfa/email/recovery_code_used": _("A recovery code was used. Unused ones: %(left)s."),
    "socialaccount/email/account_connected": _("Signing in through %(provider)s opens the account from now on."),
    "socialaccount/email/account_disconnected": _("Signing in through %(provider)s no longer opens the account."),
}


def words(mail: str, facts: dict[str, Any], *, user_agent: str, ip: str) -> dict[str, Any]:
    """The context of the mail, in the active language and zone."""
    what = str(SENTENCES.get(mail, _("A way to sign in was changed."))) % facts
    rows = [
        (gettext("When"), when(clock.now())),
        (gettext("Browser"), plain(browser(user_agent))),
        (gettext("Network address"), ip),
    ]
    return {"what": what, "rows": rows}


def tell(mail: str, person: User, **facts: object) -> None:
    get_adapter().send_notification_mail(mail, person, facts)


@receiver(authenticator_used)
def _used(user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        authenticator.refresh_from_db()  # allauth marks the code in a copy of it
        tell("mfa/email/recovery_code_used", user, left=len(RecoveryCodes(authenticator).get_unused_codes()))


@receiver(identities.connected)
def _connected(person: User, provider: str, **_: Any) -> None:
    _afterwards("socialaccount/email/account_connected", person, provider)


@receiver(identities.removed)
def _removed(person: User, provider: str, **_: Any) -> None:
    _afterwards("socialaccount/email/account_disconnected", person, provider)


def _afterwards(mail: str, person: User, provider: str) -> None:
    """Identities are told of inside the transaction that may still fail."""

    def run() -> None:
        tell(mail, person, provider=identities.provider_name(provider))

    transaction.on_commit(run, robust=True)
