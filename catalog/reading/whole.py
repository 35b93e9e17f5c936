"""The whole reading of one launch's template, as the process of `catalog.reading.apart` does it: JSON in, JSON out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.reading.difference import difference
from catalog.reading.digest import digest
from catalog.reading.findings import gathered
from catalog.reading.losses import losses
from catalog.reading.wrapped import child_of, digest_with_child
from catalog.templates import BadTemplate, Document, read


@dataclass(frozen=True, slots=True)
class Source:
    """A template and what it was launched with. `children`: texts that it may wrap, by the address in the desk's own
    bucket."""

    text: str
    given: Mapping[str, str]
    children: Mapping[str, str] = field(default_factory=dict)


def whole(new: Source, old: Source | None) -> dict[str, Any]:
    """`digest` and `difference` as they are kept; the latter is None without an old one. Raises BadTemplate."""
    document = _document(new.text)
    child = child_of(document, new.children)
    found = digest_with_child(document, child, new.given) if child else digest(document, new.given)
    before, changed = _readable(old), None
    if old is not None and before is not None:
        # What a wrapper wraps is what changes; where one of the two is not known, the wrappers are compared.
        was, will = child_of(before, old.children), child
        was, will = (was, will) if was and will else (before, document)
        changed = difference(was, will).kept()
        lost = losses(was, will, old.given, new.given)
        found = replace(found, findings=tuple(gathered([*found.findings, *lost])))
    return {"digest": found.kept(), "difference": changed}


def main() -> None:
    """Read what stands on standard input. A template that cannot be read is answered with an empty object."""
    asked = json.load(sys.stdin)
    try:
        said = whole(Source(**asked["new"]), Source(**asked["old"]) if asked["old"] else None)
    except BadTemplate:
        said = {}
    sys.stdout.write(json.dumps(said))


def _document(text: str) -> Document:
    return read(text.encode("utf-8", "replace"))


def _readable(source: Source | None) -> Document | None:
    try:
        return _document(source.text) if source else None
    except BadTemplate:
        return None
