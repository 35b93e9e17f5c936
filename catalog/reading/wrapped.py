"""A wrapper of ours (catalog.gating.wrapping): what it asks for is what its one nested stack makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop as _

from catalog.gating.children import wrapped_sha256
from catalog.reading.digest import Digest, digest, grouped
from catalog.reading.findings import Finding, Risk, gathered
from catalog.reading.rules.code import is_pinned
from catalog.reading.stack import stack_of
from catalog.templates import Document

_NESTED = "AWS::CloudFormation::Stack"
_OF_THE_PARENT = ("AWS::StackId", "AWS::StackName")


def child_sha256(document: Document) -> str:
    """The digest by which a wrapper names its child; empty unless the child's URL carries it and names one version."""
    sha256 = wrapped_sha256(document)
    nested = [one for one in stack_of(document, {}).resources if one.type == _NESTED]
    if len(sha256) != 64 or len(nested) != 1:
        return ""
    url = nested[0].text("TemplateURL")
    return sha256 if is_pinned(url) and sha256 in urlsplit(url).path else ""


def digest_with_child(parent: Document, child: Document, given: Mapping[str, str]) -> Digest:
    """As `digest`, of both: the wrapper forwards each parameter under its name."""
    outer = digest(parent, given)
    inner = digest(child, {name: value for name, value in given.items() if name not in _OF_THE_PARENT})
    nested = [one for service in outer.services for one in service.resources if one.type == _NESTED]
    made = [one for part in (outer, inner) for service in part.services for one in service.resources]
    read = Finding(
        "nested-template",
        Risk.LOW,
        _("A template within the template"),
        _("The product is a nested stack. The desk shows the template that the launch names by its digest."),
        tuple(one.id for one in nested),
    )
    kept = [one for one in outer.findings if one.code != read.code]
    return replace(
        outer,
        services=grouped(made),
        left_out=outer.left_out + inner.left_out,
        transforms=(*outer.transforms, *inner.transforms),
        findings=tuple(gathered([*kept, *inner.findings, read])),
    )
