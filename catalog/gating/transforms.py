"""Why a gate cannot be written into a template itself: something makes resources of it that nobody sees here.

A template like that can be wrapped: a parent with the gate and the template as its nested stack (aws-facts §7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.gating.names import Ids
from catalog.gating.resources import LOOP, MACRO, entry, is_macro, resources
from catalog.templates import Document, Node
from portal.phrases import Phrase

LANGUAGE = "AWS::LanguageExtensions"
MOST_RESOURCES = 500
_MODULE = "::MODULE"
_SAM = "AWS::Serverless::"


def cannot_gate(doc: Document) -> tuple[Node, Phrase] | None:
    """The first reason and its place; None where a gate can be written. Raises BadTemplate."""
    return next(_reasons(doc), None)


def _reasons(doc: Document) -> Iterator[tuple[Node, Phrase]]:
    yield from _macros(doc)
    key, _resources = entry(doc, "Resources")
    number = len(resources(doc)) + len(Ids("").all)
    if number > MOST_RESOURCES:
        what = Phrase(
            "With the gate it would have %(number)d resources; the limit is %(most)d.",
            number=number,
            most=MOST_RESOURCES,
        )
        yield key, what


def _macros(doc: Document) -> Iterator[tuple[Node, Phrase]]:
    root = doc.root
    for node, name in _transforms(root):
        if name != LANGUAGE:
            what = Phrase("The transform %(name)s makes resources that no DependsOn here reaches.", name=name)
            yield node, what
    if macro := root.key(MACRO) or _tagged(root):
        yield macro, Phrase("%(macro)s writes parts of the template when it is launched.", macro=MACRO)
    found = root.get("Resources")
    if found is not None and _tagged(found):
        yield found, Phrase("A macro writes all resources when the template is launched.")
        return
    if found is not None:
        yield from _in_resources(found)
    for one in resources(doc):
        if one.kind.endswith(_MODULE):
            what = Phrase("The module %(name)s stands for resources that no DependsOn here reaches.", name=one.kind)
            yield one.key, what
        if one.kind.startswith(_SAM):
            what = Phrase(
                "SAM makes resources of %(name)s (%(type)s) that no DependsOn here reaches.",
                name=one.id,
                type=one.kind,
            )
            yield one.key, what


def _transforms(root: Node) -> Iterator[tuple[Node, str]]:
    given = root.get("Transform")
    if given is None or (given.is_null and not given.tag):
        return
    for one in given.children if given.kind == "seq" else [given]:
        name = one.get("Name") if one.kind == "map" else one
        yield one, name.value if name is not None and name.kind == "scalar" else "there"


def _in_resources(found: Node) -> Iterator[tuple[Node, Phrase]]:
    left = [found]
    while left:
        node = left.pop()
        for key, value in node.items:
            if is_macro(key, value):
                what = Phrase("A macro (%(macro)s) writes resources there when the template is launched.", macro=MACRO)
                yield key, what
            elif value.kind == "seq" and len(value.children) == 3 and key.value.startswith(LOOP):
                left.append(value.children[2])


def _tagged(node: Node) -> Node | None:
    return node if node.tag == "!Transform" else None


def hooks(doc: Document) -> Node | None:
    """The section for CodeDeploy's blue/green deployments, which allows neither gates nor nested stacks."""
    return doc.root.key("Hooks")


def transform_of(doc: Document) -> Node | None:
    """What makes further resources of the template that wait for nothing; not the mere number of resources."""
    return next((node for node, _what in _macros(doc)), None)
