"""The gates of the products that can be launched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_noop as _

from approvals.choices import HoldKind, HoldStatus
from approvals.doctor import products
from approvals.doctor.findings import Problem, Severity, problem, safe
from approvals.doctor.products import Version
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit
from approvals.models import Hold
from catalog.coverage import Call
from catalog.coverage.reasons import Because
from catalog.coverage.verdicts import is_ours
from portal.phrases import Phrase, listed

# aws-facts §1.2: a wait URL may die 12 hours after its handle was made, which is before the wait begins.
LONGEST = 42600
LEAKS = _("%(version)s has a gate, and creates before anybody approves: %(resources)s.")
MEND = _(
    "Gate the template again (manage.py gate TEMPLATE), publish it as a new version, and deactivate this one. The "
    "product's page names every resource and why."
)
_NAMED = 8
# Leaks and wrong functions are told by sentences of their own.
_WAYS = {
    Because.CALL_OPEN: Severity.CRITICAL,
    Because.COUNT_OPEN: Severity.CRITICAL,
    Because.CONDITION_OPEN: Severity.CRITICAL,
    Because.GATE_OPEN: Severity.CRITICAL,
    Because.SIGNAL_OPEN: Severity.CRITICAL,
    Because.CHILD: Severity.CRITICAL,
    Because.STALE: Severity.WARNING,
    Because.SAME_GATE: Severity.WARNING,
    Because.UPDATES_OFF: Severity.WARNING,
    Because.NOT_FED: Severity.WARNING,
}


@check(
    "template_unreadable",
    Severity.WARNING,
    title=_("Templates of products"),
    why=_("What the doctor says about gates does not hold for this version: nobody knows whether it is gated well."),
    remedy=_(
        "Let the desk's role read the template (s3:GetObject on the bucket of your templates), or look at the "
        "template by hand."
    ),
)
def template_unreadable(visit: Visit) -> Iterator[Problem]:
    for version in products.versions(visit):
        if version.unread:
            seen = _("The template of %(version)s cannot be read: %(reason)s.")
            if isinstance(version.unread, Phrase):
                seen = _("The template of %(version)s cannot be read. %(reason)s")
            yield problem(seen, about=version.about, version=version, reason=version.unread)


@check(
    "service_token",
    Severity.CRITICAL,
    title=_("ServiceTokens in templates"),
    why=_(
        "CloudFormation calls the function a ServiceToken names, in the stack's own region: with a wrong one "
        "the launch "
        "fails, hangs for an hour, or asks somebody else."
    ),
    remedy=_(
        "Write the hub's outputs into a new version of the product: NotifyArn for Custom::NotificationFunction, "
        "VerifyArn "
        "for Custom::ApprovalReceipt (as !Sub "
        "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:… it is "
        "right everywhere). Then deactivate this version."
    ),
)
def service_token(visit: Visit) -> Iterator[Problem]:
    for version in products.versions(visit):
        for call, token in version.calls:
            facts: dict[str, Any] = {"version": version, "resource": call.logical_id}
            if token is None:
                seen = _("%(version)s: the ServiceToken of %(resource)s is only known when it is launched.")
                yield problem(seen, about=version.about, severity=Severity.INFO, **facts)
            elif sentence := _wrong(token, call, visit):
                yield problem(sentence, about=version.about, token=token, **facts)


def _wrong(token: str, call: Call, visit: Visit) -> str:
    """A sentence, or nothing where the token names our function here."""
    here = visit.here
    parts = token.split(":")
    if not token:
        return _("%(version)s: %(resource)s has no ServiceToken.")
    if len(parts) < 7 or parts[2] != "lambda":
        return _("%(version)s: the ServiceToken of %(resource)s is not the ARN of a function: %(token)s.")
    if parts[3] != here.region:
        return _("%(version)s: the ServiceToken of %(resource)s is in another region: %(token)s.")
    if parts[4] != here.account:
        return _("%(version)s: the ServiceToken of %(resource)s is in another account: %(token)s.")
    if not is_ours(token, call, here.account, here.region):
        return _("%(version)s: the ServiceToken of %(resource)s names another function: %(token)s.")
    return ""


@check(
    "ungated_version",
    Severity.CRITICAL,
    title=_("Ways around the gate"),
    why=_("Service Catalog offers every active version: who chooses one without a gate launches without approval."),
    remedy=_(
        "Deactivate the version in Service Catalog. A deprecated version can still be updated to: deactivate it "
        "as well."
    ),
)
def ungated_version(visit: Visit) -> Iterator[Problem]:
    for group in products.gated(visit).values():
        for version in group:
            if version.leaking:
                yield problem(
                    LEAKS, about=version.about, remedy=MEND, version=version, resources=listed(version.leaking, _NAMED)
                )
            yield from _ways_around(version, group)
            if version.analysis is None or version.is_gated:
                continue
            if version.deprecated:
                seen, grave = (
                    _("%(version)s is deprecated and has no gate: updates to it need no approval."),
                    Severity.WARNING,
                )
            else:
                seen, grave = _("%(version)s has no gate and can be launched."), Severity.CRITICAL
            yield problem(seen, about=version.about, severity=grave, version=version)


def _ways_around(version: Version, group: list[Version]) -> Iterator[Problem]:
    """What else lets something by its gate."""
    for reason in version.judged(group).reasons if version.is_gated else ():
        if reason.because in _WAYS:
            said = reason.phrase(_NAMED)
            # A fact is called as the problem's own `about` is.
            told = {"whose": str(version), **said.facts}
            found = problem(said.text, about=version.about, severity=_WAYS[reason.because], remedy=MEND)
            yield replace(found, facts={name: safe(one) for name, one in told.items()})


@check(
    "wait_outlives_url",
    Severity.WARNING,
    title=_("Length of waits"),
    why=_(
        "A wait URL may die twelve hours after it was made: a decision after that reaches nobody, and the stack "
        "rolls back."
    ),
    remedy=_(
        "Set the Timeout of the WaitCondition to 42600 seconds or less in a new version. Launches that wait "
        "already keep "
        "theirs: decide them before the deadline the desk shows."
    ),
)
def wait_outlives_url(visit: Visit) -> Iterator[Problem]:
    for version in products.versions(visit):
        yield from _too_long(version)
    window = F("url_expires_at") - F("opened_at")
    waiting = Hold.objects.filter(status=HoldStatus.OPEN, kind=HoldKind.WAIT_HANDLE, url_expires_at__isnull=False)
    for hold in waiting.annotate(window=window).select_related("request"):
        if hold.timeout_seconds and hold.window.total_seconds() < hold.timeout_seconds - _slack(hold.timeout_seconds):
            yield problem(
                _("%(request)s waits for %(timeout)s seconds, its URL lives for %(life)s."),
                about=hold.request.stack_id,
                request=hold.request.number,
                timeout=hold.timeout_seconds,
                life=int(hold.window.total_seconds()),
            )


def _slack(seconds: int) -> int:
    """The handle is made before the message is sent: a wait that ends within the desk's own margin is no fault."""
    return min(300, seconds // 20)


def _too_long(version: Version) -> Iterator[Problem]:
    for resource, seconds in (version.analysis.waits if version.analysis else {}).items():
        facts: dict[str, Any] = {"version": version, "resource": resource}
        if seconds is None:
            seen = _("%(version)s: the Timeout of %(resource)s is only known when it is launched.")
            yield problem(seen, about=version.about, severity=Severity.INFO, **facts)
        elif seconds > LONGEST:
            seen = _("%(version)s: %(resource)s waits for %(seconds)s seconds.")
            yield problem(seen, about=version.about, seconds=seconds, **facts)
