"""Products and accounts whose launches must not be approved in passing.

Invariant: whatever the channel, a launch of something sensitive is approved only together with its name, typed, and a
fresh proof of who is typing (`approvals.review.seen.Consent`). Rejecting needs neither: it is always the safe way out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from approvals.errors import Refused, Why
from approvals.models import LaunchRequest, Sensitivity

_Subject = Sensitivity.Subject


def of(launch: LaunchRequest) -> list[Sensitivity]:
    """What makes this launch sensitive: its account first, then its product."""
    return list(Sensitivity.objects.filter(_about([(launch.account, launch.product_id)])))


def of_each(launches: Iterable[LaunchRequest]) -> dict[int, list[Sensitivity]]:
    """As `of`, for each by its key, in one query whatever their number."""
    rows = list(launches)
    if not rows:
        return {}
    marks = list(Sensitivity.objects.filter(_about((one.account, one.product_id) for one in rows)))
    return {one.pk: [mark for mark in marks if (mark.subject, mark.value) in _subjects(one)] for one in rows}


def needed_name(launch: LaunchRequest) -> str:
    """What has to be typed to approve it: the empty string when it is not sensitive."""
    return next((mark.name for mark in of(launch)), "")


def is_marked() -> Exists:
    """For a list: whether the launch of a row is sensitive."""
    account = Q(subject=_Subject.ACCOUNT, value=OuterRef("account"))
    product = Q(subject=_Subject.PRODUCT, value=OuterRef("product_id")) & ~Q(value="")
    return Exists(Sensitivity.objects.filter(account | product))


def demand(launch: LaunchRequest, typed: str, *, is_fresh: bool) -> None:
    """Raises `Refused` unless the launch is not sensitive, or its name was typed by somebody who proved who they
    are a moment ago."""
    name = needed_name(launch)
    if not name:
        return
    if not is_typed(typed, name):
        raise Refused(Why.NAME_NOT_TYPED, name=name)
    if not is_fresh:
        raise Refused(Why.NOT_PROVEN)


def is_typed(typed: str, name: str) -> bool:
    """Case, width and spaces are forgiven, letters are not."""
    return folded(typed) == folded(name) != ""


def folded(text: str) -> str:
    """A name as it is compared."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def _subjects(launch: LaunchRequest) -> set[tuple[str, str]]:
    return {(_Subject.ACCOUNT, launch.account), (_Subject.PRODUCT, launch.product_id)}


def _about(pairs: Iterable[tuple[str, str]]) -> Q:
    accounts, products = zip(*pairs, strict=True)
    return Q(subject=_Subject.ACCOUNT, value__in=set(accounts)) | Q(
        subject=_Subject.PRODUCT, value__in=set(products) - {""}
    )
