"""Whether launch roles may call what gates call: CloudFormation calls the functions with the launch role's rights.

`Constraint.role_unasked` is a code: `denied:<right>`, `elsewhere` (a role of another account than the place's),
`no_role` (IAM knows none of this name), or one of catalog.sync.problems'.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext as _

from catalog import partitions, rights
from catalog.coverage.analysis import analysis_of
from catalog.coverage.tokens import resolved
from catalog.models import Constraint, Place, Version
from catalog.models.offers import Portfolio
from catalog.sync import problems
from catalog.sync.reading import Reader
from catalog.sync.trouble import Denied, Gone, Passing, Trouble
from portal.phrases import joined

# Policies change without a trace in Service Catalog.
BELIEVED = timedelta(hours=6)
FUNCTIONS = ("gatehouse-notify", "gatehouse-verify")
_INVOKE = "lambda:InvokeFunction"
_BATCH = 100


def look(place: Place, now: datetime, ends: float) -> set[int]:
    """Ask IAM about the roles of a place that were not asked about lately, until `ends` (time.monotonic()).

    The products whose roles turned out to be other than was known. Passing troubles leave the rest for later.
    """
    old = Q(role_asked_at=None) | Q(role_asked_at__lt=now - BELIEVED) | Q(role_asked_at__lt=F("read_at"))
    due = Constraint.objects.filter(old, place=place, type=Constraint.LAUNCH, removed_at=None, read_at__isnull=False)
    asker, changed, known = _Asker(place), set[int](), dict[tuple[str, str], bool]()
    for constraint in due.order_by("pk")[:_BATCH]:
        if time.monotonic() >= ends:
            break
        try:
            refuses, unasked = _asked(asker, constraint, known)
        except Passing:
            break
        if (refuses, unasked) != (constraint.role_refuses, constraint.role_unasked):
            changed.add(constraint.product_id)
        Constraint.objects.filter(pk=constraint.pk).update(
            role_refuses=refuses, role_unasked=unasked[:100], role_asked_at=now
        )
    return changed


def role_of(constraint: Constraint, account: str, region: str) -> str:
    """The ARN of the role that a LAUNCH constraint names, for launches in this account; empty where it names none."""
    if constraint.role_arn or not constraint.role_name:
        return constraint.role_arn
    return f"arn:{partitions.of_region(region).name}:iam::{account}:role/{constraint.role_name}"


def sentence_of(constraint: Constraint) -> str:
    """What is known of its role, in the reader's language."""
    if constraint.role_refuses:
        return _("It may not call %(functions)s: launches of gated versions fail at once.") % {
            "functions": joined(constraint.role_refuses)
        }
    code = constraint.role_unasked
    if code == "elsewhere":
        return _("It is a role of another account, which the desk cannot look at from here.")
    if code == "no_role":
        return _("There is no such role: launches with it fail.")
    if code:
        return _("Its rights could not be looked at. %(why)s") % {"why": problems.of_run(code)}
    return _("It may call the gate's functions.") if constraint.role_asked_at else _("Nobody has looked yet.")


def _asked(asker: _Asker, constraint: Constraint, known: dict[tuple[str, str], bool]) -> tuple[list[str], str]:
    """The functions it may not call, and why this could not be told. Raises Passing."""
    place = asker.place
    role = role_of(constraint, place.account, place.region)
    if not role:
        return [], "no_role"
    if f":{place.account}:" not in role:
        return [], "elsewhere"
    refuses = []
    try:
        for function in _functions(place, constraint.product_id):
            if (role, function) not in known:
                known[role, function] = rights.may(asker, role, _INVOKE, function)
            if not known[role, function]:
                refuses.append(function.rpartition(":function:")[2])
    except rights.Forbidden as forbidden:
        return [], f"denied:{forbidden.action}"
    except Gone:
        return [], "no_role"
    except Passing:
        raise
    except Trouble as trouble:
        return [], trouble.code
    return refuses, ""


def _functions(place: Place, product: int) -> list[str]:
    """What the product's gates call here, as far as it can be told; Gatehouse's own functions where it has no gate."""
    partition = partitions.of_region(place.region).name
    ours = [f"arn:{partition}:lambda:{place.region}:{place.account}:function:{name}" for name in FUNCTIONS]
    versions = Version.objects.existing().filter(product=product, active=True, template__isnull=False)
    kept = versions.values_list("template__analysis", "template__analysis_version")
    called = {
        token
        for data, number in kept
        if (analysis := analysis_of(data, number))
        for call in analysis.calls
        for one in call.tokens
        if (token := resolved(one, place.account, place.region)) and ":lambda:" in token and "${" not in token
    }
    return sorted(called) or ours


class _Asker:
    """catalog.rights' way to ask, in a place of the mirror."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._reader = Reader(place)

    def read(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        return self._answer(lambda: self._reader.ask(service, operation, **arguments))

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        found: list[Any] = []
        more: dict[str, str] = {}
        while True:
            answer = self.read(service, operation, **arguments, **more)
            found += answer.get(key, [])
            if not answer.get("IsTruncated"):
                return found
            more = {"Marker": answer["Marker"]}

    def _answer(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return ask()
        except Denied as denied:
            raise rights.Forbidden(denied.code.partition(":")[2]) from None
        except Trouble as trouble:
            if trouble.code in ("aws:NoSuchEntity", "aws:NoSuchEntityException"):
                raise Gone("gone") from None
            raise


def launch_roles(product: int) -> Iterable[tuple[Portfolio, Constraint | None]]:
    """Each portfolio that offers the product with the LAUNCH constraint there, None where it has none."""
    portfolios = Portfolio.objects.filter(offers__product=product, offers__removed_at=None, removed_at=None)
    constraints = Constraint.objects.filter(product=product, type=Constraint.LAUNCH, removed_at=None)
    by_portfolio = {one.portfolio_id: one for one in constraints.select_related("place")}
    for portfolio in portfolios.select_related("place").order_by("name", "pk"):
        yield portfolio, by_portfolio.get(portfolio.pk)
