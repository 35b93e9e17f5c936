"""Wraps what cannot be gated itself: a parent with the gate and the template as its one nested stack (aws-facts §7.2).

The child is fetched when the stack is made, after the approval. So that it is the one that was approved, its URL names
the content's sha256 and the version of the object, and the parent's Metadata keeps the sha256.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from catalog.gating import writing
from catalog.gating.email import free_name
from catalog.gating.errors import BadOption
from catalog.gating.layout import Style
from catalog.gating.names import NESTED, RECORD
from catalog.gating.options import Upload
from catalog.gating.ours import INTERFACE
from catalog.gating.outputs import exported
from catalog.gating.resources import section
from catalog.templates import Document, read, references, verbatim
from catalog.templates.walking import texts
from portal.phrases import Phrase

_S3 = re.compile(r"(?:[a-z0-9][a-z0-9.-]*\.)?s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?\Z")
_SSM = "AWS::SSM::Parameter::Value<"
_CAPABILITY = Phrase(
    "It is launched as a nested stack: the launch role needs cloudformation:CreateStack and its like, and s3:GetObject "
    "on the template's URL."
)
_EXPAND = Phrase("Its macros need CAPABILITY_AUTO_EXPAND: try whether Service Catalog passes it on for this product.")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The parent, still without a gate, and what people should know."""

    parent: Document
    notes: list[Phrase]


def wrap(doc: Document, where: str | Upload) -> Wrapped:
    """`where`: the URL with {sha256} in it, or what stores the template and returns its URL.

    Raises BadOption for a URL behind which the template could be exchanged, and BadTemplate.
    """
    data = doc.encode(doc.text)
    sha256 = hashlib.sha256(data).hexdigest()
    url = where(data, sha256) if callable(where) else _amazon(where.replace("{sha256}", sha256))
    _check_pinned(url, sha256)
    parameters = {name: verbatim(node) for name, node in _entries(doc, "Parameters")}
    nested = free_name("Product", {*parameters})
    outputs, conditions, mappings, notes = exported(doc, parameters, nested)
    rules, more = _rules(doc, parameters)
    parent = {
        "AWSTemplateFormatVersion": "2010-09-09",
        **{name: verbatim(node) for name, node in doc.root.entries() if name == "Description"},
        "Metadata": {RECORD: {"Wraps": {"Sha256": sha256}}, **_interface(doc)},
        "Parameters": {name: _parent_parameter(one) for name, one in parameters.items()},
        "Rules": rules,
        "Mappings": mappings,
        "Conditions": conditions,
        "Resources": {nested: _nested(url, parameters)},
        "Outputs": outputs,
    }
    text = _text({name: value for name, value in parent.items() if value}, doc)
    expands = [_EXPAND] if doc.transform or "Fn::Transform" in doc.text else []
    return Wrapped(read(text.encode(), doc.name), [_CAPABILITY, *expands, *notes, *more])


def _amazon(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not _S3.match(parts.hostname or ""):
        what = Phrase("The URL to wrap with is not one of Amazon S3: https://BUCKET.s3.REGION.amazonaws.com/KEY.")
        raise BadOption(what)
    return url


def _check_pinned(url: str, sha256: str) -> None:
    parts = urlsplit(url)
    if sha256 not in parts.path:
        what = Phrase(
            "The URL to wrap with does not carry the template's sha256 in its key. Write {sha256} there; it is "
            "%(sha256)s.",
            sha256=sha256,
        )
        raise BadOption(what)
    if not any(parse_qs(parts.query).get("versionId", [])):
        what = Phrase(
            "The URL to wrap with names no version of the object. Put the template into a bucket with versions, under "
            "a key with %(sha256)s, and give its URL with ?versionId=…",
            sha256=sha256,
        )
        raise BadOption(what)


def _entries(doc: Document, name: str) -> list[tuple[str, Any]]:
    found = section(doc, name)
    return [] if found is None else list(found.entries())


def _interface(doc: Document) -> dict[str, Any]:
    return {name: verbatim(node) for name, node in _entries(doc, "Metadata") if name == INTERFACE}


def _rules(doc: Document, parameters: dict[str, Any]) -> tuple[dict[str, Any], list[Phrase]]:
    """The rules, and what people should know. What is a name in SSM here is its value in the child's rules."""
    ssm = {name for name, one in parameters.items() if _type_of(one).startswith(_SSM)}
    rules = {name: verbatim(node) for name, node in _entries(doc, "Rules")}
    child_only = [name for name, one in rules.items() if ssm & set(_texts(one))]
    kept = {name: one for name, one in rules.items() if name not in child_only}
    note = Phrase(
        "These rules look at values kept in SSM; only the nested stack has them: %(names)s.", names=child_only
    )
    return kept, [note] if child_only else []


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, and every name in an Fn::Sub: functions of rules name parameters in several ways."""
    yield from references(value)
    yield from texts(value)


def _type_of(parameter: Any) -> str:
    return str(parameter.get("Type", "")) if isinstance(parameter, dict) else ""


def _parent_parameter(parameter: Any) -> Any:
    """As the child has it. A name in SSM is passed on as a name: the child looks it up."""
    return {**parameter, "Type": "String"} if _type_of(parameter).startswith(_SSM) else parameter


def _nested(url: str, parameters: dict[str, Any]) -> dict[str, Any]:
    forwarded = {name: _forwarded(name, one) for name, one in parameters.items()}
    properties = {"TemplateURL": url, **({"Parameters": forwarded} if forwarded else {})}
    return {"Type": NESTED, "Properties": properties}


def _forwarded(name: str, parameter: Any) -> Any:
    kind = _type_of(parameter)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return {"Fn::Join": [",", {"Ref": name}]}
    return {"Ref": name}


def _text(parent: dict[str, Any], doc: Document) -> str:
    newline = doc.newline
    if doc.root.flow:
        return writing.flow(parent, Style(flow=True, newline=newline), "") + newline
    style = Style(flow=False, newline=newline)
    return "".join(f"{writing.entry(name, value, style, indent='')}{newline}" for name, value in parent.items())
