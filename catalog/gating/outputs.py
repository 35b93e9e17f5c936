"""A wrapped template's outputs, given again by its parent."""

from __future__ import annotations

from typing import Any

from catalog.gating.conditions import with_needed
from catalog.gating.resources import section
from catalog.templates import Document, references, verbatim
from portal.phrases import Phrase

# What a condition may be made of so that it means the same in the parent.
_SAME = {
    *("Condition", "Ref", "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Fn::FindInMap", "Fn::Join", "Fn::Select"),
    *("Fn::Split", "Fn::Sub", "Fn::If"),
}
_SAME_EVERYWHERE = {"AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::URLSuffix", "AWS::NoValue"}
_MOST = 199

Exported = tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[Phrase]]


def exported(doc: Document, parameters: dict[str, Any], nested: str) -> Exported:
    """Outputs, and the conditions and mappings they need, as data by name; and what people should know.

    An output under a condition is not there when it is false, and asking a nested stack for it fails the parent: so
    the parent decides by the same condition, and an output whose condition it cannot know is left out.
    """
    found = section(doc, "Outputs")
    outputs, conditions, mappings, left_out = dict[str, Any](), dict[str, Any](), dict[str, Any](), list[str]()
    for name, node in found.entries() if found else ():
        data = verbatim(node)
        if name.startswith("Fn::") or not isinstance(data, dict) or len(outputs) >= _MOST:
            left_out.append(name)
            continue
        needed = with_needed(doc, [data["Condition"]], verbatim) if isinstance(data.get("Condition"), str) else {}
        tables = _mappings(doc, needed)
        if (data.get("Condition") and not needed) or not _means_the_same(needed, tables, parameters):
            left_out.append(name)
            continue
        conditions |= needed
        mappings |= tables
        kept = {key: data[key] for key in ("Description", "Condition") if key in data}
        outputs[name] = {**kept, "Value": {"Fn::GetAtt": [nested, f"Outputs.{name}"]}}
    notes = Phrase("These outputs are not given by the parent: %(names)s.", names=left_out)
    return outputs, conditions, mappings, [notes] if left_out else []


def _means_the_same(conditions: dict[str, Any], mappings: dict[str, Any], parameters: dict[str, Any]) -> bool:
    if None in mappings.values() or not all(_functions(one) <= _SAME for one in conditions.values()):
        return False
    known = {name for name, one in parameters.items() if "AWS::SSM::Parameter::Value" not in str(one.get("Type"))}
    return references(list(conditions.values())) <= known | _SAME_EVERYWHERE


def _functions(value: Any) -> set[str]:
    if isinstance(value, list):
        return set[str]().union(*map(_functions, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*map(_functions, value.values()))


def _mappings(doc: Document, conditions: dict[str, Any]) -> dict[str, Any]:
    """The mappings that conditions look things up in; None for one that cannot be copied."""
    found, where = dict[str, Any](), section(doc, "Mappings")
    for name in _looked_up(list(conditions.values())):
        node = where.get(name) if where and isinstance(name, str) else None
        data = verbatim(node) if node is not None else None
        found[str(name)] = None if data is None or "Fn::Transform" in str(data) else data
    return found


def _looked_up(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [name for one in value for name in _looked_up(one)]
    if not isinstance(value, dict):
        return []
    own = [one[0] for key, one in value.items() if key == "Fn::FindInMap" and isinstance(one, list) and one]
    return [*own, *(name for one in value.values() for name in _looked_up(one))]
