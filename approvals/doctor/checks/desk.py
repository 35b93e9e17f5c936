"""The desk's settings, as far as they are mistakes."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.checks import CRITICAL, ERROR, WARNING, run_checks
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit, code_of
from approvals.models import LaunchRequest
from portal.phrases import Phrase

_GRAVE = {WARNING: Severity.WARNING, ERROR: Severity.CRITICAL, CRITICAL: Severity.CRITICAL}


@check(
    "settings",
    Severity.WARNING,
    title=_("Settings"),
    why=_("The desk's own checks of its settings (manage.py check) found something."),
    remedy=_("%(hint)s"),
)
def desk_settings(_visit: Visit) -> Iterator[Problem]:
    for message in run_checks():
        if message.level >= WARNING:
            yield problem(
                _("%(id)s: %(text)s"),
                severity=_GRAVE.get(message.level),
                id=message.id or "–",
                text=message.msg,
                hint=message.hint or message.msg,
            )


@check(
    "accounts",
    Severity.WARNING,
    title=_("List of accounts"),
    why=_("With an empty list any topic that may write to the queue is believed about its own account."),
    remedy=_("Set GATEHOUSE_ACCOUNTS to the account ids whose launches the desk decides, separated by commas."),
)
def accounts(visit: Visit) -> Iterator[Problem]:
    """One account alone needs no list: the queue's policy names its topic."""
    seen = set(LaunchRequest.objects.order_by().values_list("account", flat=True).distinct())
    foreign = sorted(seen - {visit.round.home.account} - set(settings.GATEHOUSE_ACCOUNTS))
    if not foreign:
        return
    if settings.GATEHOUSE_ACCOUNTS:
        sentence = _("Launches came from accounts that GATEHOUSE_ACCOUNTS does not list: %(accounts)s.")
    else:
        sentence = _("GATEHOUSE_ACCOUNTS is empty and launches came from other accounts: %(accounts)s.")
    yield problem(sentence, accounts=foreign)


@check(
    "readers",
    Severity.INFO,
    title=_("Reading roles in spokes"),
    why=_("In an account without a reading role the desk works from messages alone, and the doctor cannot look there."),
    remedy=_(
        "If that is not meant: deploy gatehouse-spoke there with DeskRoleArn and ExternalId, and list the account in "
        "GATEHOUSE_READER_ACCOUNTS."
    ),
)
def readers(visit: Visit) -> Iterator[Problem]:
    readable = visit.round.readable()
    for place in visit.round.others():
        if place not in readable:
            yield problem(_("The desk has no reading role in %(place)s."), about=str(place), place=str(place))


@check(
    "decisions_table",
    Severity.CRITICAL,
    title=_("Table of decisions"),
    why=_(
        "While decisions by e-mail are allowed, the worker writes each decision of the desk to the hub's table "
        "first, so that "
        "one launch is never decided twice."
    ),
    remedy=_(
        "Set GATEHOUSE_DECISIONS_TABLE to the hub's output DecisionsTable, and deploy the hub again when the "
        "table is gone."
    ),
)
def decisions_table(visit: Visit) -> Iterator[Problem]:
    table = visit.hub.outputs.get("DecisionsTable", "")
    if not table:
        return
    if table != settings.GATEHOUSE_DECISIONS_TABLE:
        seen = _("The hub's table is %(table)s, the desk uses %(own)s.")
        yield problem(seen, about=table, table=table, own=settings.GATEHOUSE_DECISIONS_TABLE)
    try:
        told = visit.round.home.read("dynamodb", "describe_table", TableName=table)
        state: str | Phrase = told["Table"]["TableStatus"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        state = Phrase("missing")
    if state not in ("ACTIVE", "UPDATING"):
        yield problem(_("The table %(table)s is %(state)s."), about=table, table=table, state=state)
