"""Coverage as a table for machines and spreadsheets: a line for each version there is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain

from django.db.models import Prefetch
from django.http import StreamingHttpResponse
from django.utils.translation import get_language, override
from django.views.decorators.http import require_safe

from approvals.views.base import PersonRequest, for_people, may_see
from catalog.coverage import Risk, Verdict, reasons_of, roles, standing_of
from catalog.coverage.doors import risk_of
from catalog.csv_cells import MARK, harmless
from catalog.models import Constraint, Offer, Product, Version
from portal.clock import now

COLUMNS = (
    "risk",
    "product_id",
    "product",
    "account",
    "region",
    "portfolios",
    "engine",
    "version_id",
    "version",
    "state",
    "verdict",
    "open",
    "reasons",
    "launch_roles",
    "last_read",
)
_BATCH = 100


class _Echo:
    """A file whose writing is its answer."""

    def write(self, line: str) -> str:
        return line


@require_safe
@for_people
def as_csv(request: PersonRequest) -> StreamingHttpResponse:
    may_see(request)
    writer, language = csv.writer(_Echo()), get_language() or "en"
    rows = chain([COLUMNS], _rows(language))
    lines = chain([MARK], (writer.writerow([harmless(cell) for cell in row]) for row in rows))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="coverage-{now():%Y-%m-%d}.csv"'
    return response


def _rows(language: str) -> Iterator[tuple[str, ...]]:
    """The gravest product first. What is gone is left out."""
    versions = Version.objects.existing().order_by("-pk")
    offers = Offer.objects.filter(removed_at=None).select_related("portfolio").order_by("portfolio__name")
    constraints = Constraint.objects.filter(type=Constraint.LAUNCH, removed_at=None).select_related("portfolio")
    products = (
        Product.objects.offered()
        .order_by("risk", "name", "pk")
        .prefetch_related(
            Prefetch("versions", versions, to_attr="listed"),
            Prefetch("offers", offers, to_attr="offered_in"),
            Prefetch("constraints", constraints.select_related("place"), to_attr="launched_by"),
        )
    )
    for product in products.iterator(chunk_size=_BATCH):
        with override(language):
            lines = list(_lines(product))
        yield from lines


def _lines(product: Product) -> Iterator[tuple[str, ...]]:
    versions: list[Version] = getattr(product, "listed")  # noqa: B009 - made by the prefetch
    offers: list[Offer] = getattr(product, "offered_in")  # noqa: B009
    about = (
        Risk(product.risk).name.lower(),
        product.product_id,
        product.name,
        product.account,
        product.region,
        "; ".join(offer.portfolio.name for offer in offers),
        product.engine,
    )
    rest = (_launch_roles(product), product.read_at.isoformat(timespec="seconds"))
    if not versions:
        yield (*about, "", "", "", "", "", "", *rest)
    for version in versions:
        yield (*about, *_of_version(version), *rest)


def _of_version(version: Version) -> tuple[str, ...]:
    risk = risk_of(version)
    return (
        version.artifact_id,
        version.name,
        standing_of(version).value,
        version.verdict or Verdict.UNREAD.value,
        risk.name.lower() if risk.is_open else "",
        " ".join(reason.sentence for reason in reasons_of(version)),
    )


def _launch_roles(product: Product) -> str:
    constraints: list[Constraint] = getattr(product, "launched_by")  # noqa: B009
    return "; ".join(
        f"{one.portfolio.name}: {roles.role_of(one, one.place.account, one.place.region)} {roles.sentence_of(one)}"
        for one in constraints
    )
