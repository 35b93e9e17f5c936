"""Whether the desk's mails can leave. Nothing is sent."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

from django.conf import settings
from django.core.mail import get_connection
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit

_SES = "anymail.backends.amazon_ses.EmailBackend"
_NEARLY = 0.9


def _by_ses() -> bool:
    return settings.EMAIL_BACKEND == _SES


@check(
    "mail_server",
    Severity.CRITICAL,
    title=_("Mail server"),
    why=_("Sign-in codes and notifications go out by mail: without it people cannot sign in and hear of nothing."),
    remedy=_("Check EMAIL_HOST, its port, user and password, and the network's way there."),
)
def mail_server(_visit: Visit) -> Iterator[Problem]:
    """For servers of one's own: connect, sign in where there is a password, hang up."""
    if _by_ses():
        return
    connection = get_connection()
    try:
        connection.open()
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        yield problem(_("The mail server could not be reached: %(error)s."), error=type(error).__name__)


@check(
    "mail_sender",
    Severity.CRITICAL,
    title=_("Sender of mails"),
    why=_(
        "Amazon SES sends only for addresses and domains it has verified: no sign-in code and no notification leaves."
    ),
    remedy=_("Verify the address of GATEHOUSE_FROM_EMAIL, or its domain, in the SES console of the desk's region."),
)
def mail_sender(visit: Visit) -> Iterator[Problem]:
    if not _by_ses():
        return
    sender = settings.GATEHOUSE_FROM_EMAIL
    domain = sender.rpartition("@")[2].split(".")
    domains = [".".join(domain[start:]) for start in range(max(len(domain) - 1, 1))]
    told = visit.round.home.read("ses", "get_identity_verification_attributes", Identities=[sender, *domains])
    states = {name: one["VerificationStatus"] for name, one in told["VerificationAttributes"].items()}
    if "Success" not in states.values():
        state = states.get(sender, states.get(domains[0], "NotStarted"))
        yield problem(_("%(sender)s is not verified: %(state)s."), about=sender, sender=sender, state=state)


@check(
    "mail_allowed",
    Severity.WARNING,
    title=_("Limits of SES"),
    why=_("In SES's sandbox mode mail goes to verified addresses only; a paused or used-up account sends nothing."),
    remedy=_("Ask for production access in the SES console (Account dashboard); a paused account is explained there."),
)
def mail_allowed(visit: Visit) -> Iterator[Problem]:
    if not _by_ses():
        return
    told = visit.round.home.read("sesv2", "get_account")
    if not told.get("ProductionAccessEnabled"):
        yield problem(_("SES is in sandbox mode."), about=str(visit.round.home))
    if not told.get("SendingEnabled", True):
        yield problem(_("Sending is switched off."), about=str(visit.round.home), severity=Severity.CRITICAL)
    quota = told.get("SendQuota", {})
    sent, most = quota.get("SentLast24Hours", 0), quota.get("Max24HourSend", 0)
    if most > 0 and sent >= most * _NEARLY:
        seen = _("Mails sent in the last 24 hours: %(sent)s of %(most)s.")
        yield problem(seen, about=str(visit.round.home), sent=int(sent), most=int(most))
