"""What became of publications, a line each: for the page of a portfolio, its CSV and JSON, and the command."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from catalog.csv_cells import MARK, harmless
from catalog.models import Publication
from catalog.models.publishing import Kind, Status
from catalog.publishing.planning import BY_HAND
from catalog.publishing.problems import GATE, of_publication
from portal.phrases import Phrase

COLUMNS = (
    "product_id",
    "product",
    "source_version",
    "verdict",
    "status",
    "new_version",
    "new_name",
    "to_retire",
    "retired",
    "launched",
    "reason",
)


def line(publication: Publication) -> dict[str, Any]:
    """`launched`: how many provisioned products run on versions to retire, None where it cannot be told. `to_retire`:
    those that were retired before the plan was made anew among them."""
    facts = publication.facts
    retiring = [one for one in facts.get("ungated", []) if one["retire"]]
    counts = [None if one["launched"] is None else one["launched"]["count"] for one in retiring]
    steps = publication.steps.all() if publication.pk else []
    done = [step.target for step in steps if step.kind == Kind.RETIRE and step.done_at]
    return {
        "product_id": publication.product.product_id,
        "product": publication.product.name,
        "source_version": publication.source.artifact_id if publication.source else "",
        "verdict": publication.verdict,
        "status": publication.status,
        "new_version": publication.artifact_id,
        "new_name": facts.get("name", ""),
        "to_retire": [*(one for one in done if one not in publication.retires), *publication.retires],
        "retired": done,
        "launched": None if None in counts else sum(one for one in counts if one is not None),
        "reason": reason(publication),
    }


def reason(publication: Publication) -> str:
    """Why it is not as one might expect, in the reader's language; of a template that takes no gate, the gate's."""
    if publication.error == GATE:
        # An earlier release kept the gate's words as text.
        return publication.reason or next(iter(_said(publication)), "")
    if publication.error:
        return of_publication(publication.error)
    return of_publication("by_hand") if publication.reason == BY_HAND else ""


def notes(publication: Publication) -> list[str]:
    """What people should know about the gate, in the reader's language; why there is none is told by `reason`."""
    return [] if publication.error == GATE else _said(publication)


def _said(publication: Publication) -> list[str]:
    return [str(Phrase.from_kept(note)) for note in publication.notes]


def state(publication: Publication) -> str:
    """Its status for people: one that had nothing to do was not done."""
    never_confirmed = publication.confirmed_at is None and publication.changed_at is None
    if publication.status == Status.DONE and never_confirmed:
        return _("Nothing to do: already gated")
    return str(publication.get_status_display())


def as_json(publications: Iterable[Publication]) -> str:
    return json.dumps([line(one) for one in publications], indent=2, ensure_ascii=False) + "\n"


def as_csv(publications: Iterable[Publication]) -> str:
    """Lists joined by spaces. No cell begins as a formula of a spreadsheet does."""
    out = io.StringIO()
    out.write(MARK)
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for publication in publications:
        told = line(publication)
        writer.writerow([_cell(told[name]) for name in COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return harmless(text)
