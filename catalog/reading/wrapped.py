"""A wrapper of ours (catalog.gating.wrapping): what it asks for is what its one nested stack makes.

Anybody may write what looks like a wrapper. It counts only where nothing but the child decides what is made: the URL is
written out and leads to one version of an object in the desk's own bucket, and every parameter is passed on as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_noop as _

from catalog.gating.children import wrapped_sha256
from catalog.reading.digest import Digest, digest, grouped
from catalog.reading.findings import Finding, Risk, gathered
from catalog.reading.rules.code import is_pinned
from catalog.reading.shapes import mapping, section
from catalog.templates import BadTemplate, Document, plain, read

_NESTED = "AWS::CloudFormation::Stack"
_OF_THE_PARENT = ("AWS::StackId", "AWS::StackName")


def child_of(document: Document, children: Mapping[str, str]) -> Document | None:
    """What a wrapper wraps, if it is among `children`: the texts of the desk's own bucket by their address."""
    url = _nested(document).get("TemplateURL")
    text = children.get(str(url).partition("?")[0]) if is_pinned(url) else None
    if text is None or not _passes_on(document):
        return None
    data = text.encode("utf-8", "replace")
    try:
        return read(data) if hashlib.sha256(data).hexdigest() == wrapped_sha256(document) else None
    except BadTemplate:
        return None


def digest_with_child(parent: Document, child: Document, given: Mapping[str, str]) -> Digest:
    """As `digest`, of both: the wrapper forwards each parameter under its name."""
    outer = digest(parent, given)
    passed = mapping(_nested(parent).get("Parameters"))
    inner_given = {
        name: value
        for name, value in given.items()
        if name in passed or (name.startswith("AWS::") and name not in _OF_THE_PARENT)
    }
    inner = digest(child, inner_given)
    nested = [one for service in outer.services for one in service.resources if one.type == _NESTED]
    made = [one for part in (outer, inner) for service in part.services for one in service.resources]
    read_here = Finding(
        "nested-template",
        Risk.LOW,
        _("A template within the template"),
        _("The product is a nested stack. The desk shows the template that the launch names by its digest."),
        tuple(one.id for one in nested),
    )
    kept = [one for one in outer.findings if one.code != read_here.code]
    return replace(
        outer,
        services=grouped(made),
        left_out=outer.left_out + inner.left_out,
        transforms=(*outer.transforms, *inner.transforms),
        findings=tuple(gathered([*kept, *inner.findings, read_here])),
    )


def _nested(document: Document) -> Mapping[str, Any]:
    """The properties of the only nested stack, as written; nothing where a macro or a loop may make others."""
    tree = plain(document.root)
    resources = section(tree, "Resources")
    nested = [raw for raw in resources.values() if mapping(raw).get("Type") == _NESTED]
    if "Transform" in tree or any(name.startswith("Fn::") for name in resources) or len(nested) != 1:
        return {}
    return mapping(nested[0].get("Properties"))


def _passes_on(document: Document) -> bool:
    """Whether each parameter of the child is the wrapper's own of that name."""
    passed = _nested(document).get("Parameters", {})
    return isinstance(passed, dict) and all(
        value in ({"Ref": name}, {"Fn::Join": [",", {"Ref": name}]}) for name, value in passed.items()
    )
