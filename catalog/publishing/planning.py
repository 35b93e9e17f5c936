"""The plan: what publishing would do, and to whom. It reads and changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.coverage import held
from catalog.gating import Options, Result, Verdict, gate
from catalog.gating.options import Upload
from catalog.models import Product, Publication, Version
from catalog.models.publishing import Retirement
from catalog.publishing import affected, bucket
from catalog.publishing.problems import GATE
from catalog.publishing.publisher import Publisher, account
from catalog.sync.trouble import Passing, Trouble
from portal.phrases import Phrase

OPTIONS = frozenset(
    {"classic", "timeout", "gate_updates", "service_token", "verify_token", "email_parameter", "upgrade"}
)

# Plan.reason of a version with a gate of another hand, which was left as it is.
BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Plan:
    """`error`: why nothing can be done, a code; with the code GATE the first of `notes` says it. `reason`: empty or
    BY_HAND. `text`: the gated template, None where no version is made. `facts`: see Publication."""

    verdict: str = ""
    reason: str = ""
    notes: list[Phrase] = field(default_factory=list)
    text: bytes | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def shown(self) -> str:
        return digest(self.facts)

    @property
    def is_empty(self) -> bool:
        """Nothing to create and nothing to retire."""
        return self.text is None and not any(one["retire"] for one in self.facts.get("ungated", []))


def digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def options_of(given: Mapping[str, Any], wrap: Upload | None = None) -> Options:
    """Raises BadOption."""
    return Options(**{name: value for name, value in given.items() if name in OPTIONS}, wrap=wrap)


def gated(publication: Publication, publisher: Publisher, child_version: str = "") -> Result:
    """The gate for what the publication publishes; the same bytes for the same version of a wrapped child."""
    template = publication.source.template if publication.source else None
    if template is None:
        raise Trouble("unread")

    def wrap(_content: bytes, sha256: str) -> str:
        return bucket.url_of(publisher, sha256, child_version or bucket.NOT_STORED)

    return gate(template.body.encode(), options_of(publication.options, wrap), publication.product.name[:60])


def plan(publication: Publication, publisher: Publisher) -> Plan:
    """Of a row, saved or not. Raises Trouble; Passing where waiting may help."""
    source = publication.source
    if error := _impossible(publication.product, source):
        return Plan(error=error)
    assert source is not None  # noqa: S101 - for the reader: without one it is impossible
    result = gated(publication, publisher)
    if result.verdict is Verdict.REFUSED:
        return Plan(result.verdict, notes=[*filter(None, [result.why]), *result.notes], error=GATE)
    reason = BY_HAND if result.verdict is Verdict.ALREADY and not result.version else ""
    if result.verdict is Verdict.ALREADY and source.pk not in held(source.product):
        return Plan(result.verdict, reason, result.notes, error="held_in_part")
    text = result.output if result.verdict in (Verdict.GATED, Verdict.WRAPPED) else None
    live = {one["Id"]: one for one in affected.versions(publisher, publication.product)}
    if source.artifact_id not in live:
        return Plan(error="gone")
    if text is None and not launchable(live[source.artifact_id]):
        return Plan(result.verdict, reason, result.notes, error="switched_off")
    facts = _facts(publication, publisher, source, text, live)
    return Plan(result.verdict, reason, result.notes, text, {**facts, "verdict": result.verdict.value})


def launchable(live: Mapping[str, Any]) -> bool:
    """Of a version as AWS shows it now."""
    return bool(live.get("Active", True)) and live.get("Guidance") != Version.DEPRECATED


def _impossible(product: Product, source: Version | None) -> str:
    if not product.launches_stacks:
        return "engine"
    if product.account != account():
        return "foreign"
    if source is None:
        return "no_version"
    return "" if source.template else f"unread:{source.template_unread}"


def _facts(
    publication: Publication, publisher: Publisher, source: Version, text: bytes | None, live: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """`live`: the versions by id, as AWS lists them now. Raises Trouble, and Passing before the desk has read all."""
    product = publication.product
    active = {key: one for key, one in live.items() if one.get("Active", True)}
    known = {one.artifact_id: one for one in product.versions.filter(artifact_id__in=live).select_related("template")}
    unread = {
        key
        for key, one in known.items()
        if one.launches_stacks and one.template is None and one.template_tried_at is None
    }
    if active.keys() - (known.keys() - unread):
        raise Passing("mirror_behind")
    whole = held(product)
    ungated = [key for key in sorted(active) if known[key].pk not in whole]
    runs = affected.launched(publisher, product)
    gated_sha256 = hashlib.sha256(text).hexdigest() if text is not None else ""
    # What this publication made itself keeps its name.
    own = publication.artifact_id if publication.facts.get("gated") == gated_sha256 else ""
    taken = {one.get("Name", "") for key, one in live.items() if key != own}
    return {
        "source": {"id": source.artifact_id, "name": source.name, "sha256": source.template and source.template.sha256},
        "gated": gated_sha256,
        "name": _name(source.name, taken) if text is not None else "",
        "retire": publication.retire,
        "ungated": [_ungated(active[key], known[key], publication.retire, runs) for key in ungated],
        "gated_already": [
            {"id": key, "name": active[key].get("Name", "")} for key in sorted(active.keys() - set(ungated))
        ],
        "portfolios": affected.portfolios(publisher, product),
    }


def _ungated(
    live: dict[str, Any], version: Version, retire: str, runs: dict[str, dict[str, Any]] | None
) -> dict[str, Any]:
    guidance = live.get("Guidance") or Version.DEFAULT
    softer = retire == Retirement.DEPRECATED and guidance == Version.DEPRECATED
    return {
        "id": live["Id"],
        "name": live.get("Name", ""),
        "guidance": guidance,
        "unread": version.template is None,
        "retire": retire != Retirement.NONE and not softer,
        "launched": None if runs is None else runs.get(live["Id"], {"count": 0, "some": []}),
    }


def _name(name: str, taken: set[str]) -> str:
    """A name no other version has: "v2 (gated)", "v2 (gated 2)" …"""
    number, found = 1, f"{name} (gated)"
    while found in taken:
        number += 1
        found = f"{name} (gated {number})"
    return found
