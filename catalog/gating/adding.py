"""What a gate needs beside its resources: where the e-mail comes from, the output, the mapping of tokens."""

from __future__ import annotations

from typing import Any

from catalog.gating import email
from catalog.gating.editing import Editor
from catalog.gating.names import Ids
from catalog.gating.options import Options
from catalog.gating.ours import INTERFACE
from catalog.gating.parts import Additions, output_data
from catalog.gating.resources import entry, resources, section
from catalog.gating.tokens import REGIONS
from catalog.templates import Document, Node
from portal.phrases import Phrase

MOST_OUTPUTS = 200
OUTPUT = "ApprovalReceipt"
_MOST_MAPPINGS = 200


def additions(doc: Document, options: Options, ids: Ids) -> Additions:
    """What to add to a template without a gate. Raises BadTemplate."""
    parameters = email.parameters_of(doc)
    wanted = options.email_parameter
    address = email.named(doc, wanted, parameters) if wanted else email.obvious(parameters)
    added = "" if address or len(parameters) >= email.MOST_PARAMETERS else _new_parameter(doc, parameters)
    regions = _regions(options)
    output = _output(doc, ids)
    mapping = _mapping(doc) if regions else ""
    new = {"Parameters": added, "Mappings": mapping, "Outputs": output}
    return Additions(
        email=address or added,
        parameter=added,
        parameter_data=email.DEFINITION if added else {},
        output=output,
        mapping=mapping,
        mapping_data=regions,
        new=tuple(name for name, what in new.items() if what and doc.root.key(name) is None),
        has_group=bool(added) and _groups(doc) is not None,
        has_label=bool(added) and _labels(doc) is not None,
    )


def _new_parameter(doc: Document, parameters: dict[str, Any]) -> str:
    taken = {*parameters, *(one.id for one in resources(doc)), *_names(doc, "Conditions"), *_names(doc, "Mappings")}
    return email.free_name(email.ADDED, taken)


def _names(doc: Document, name: str) -> list[str]:
    found = section(doc, name)
    return [] if found is None else [key.value for key, _value in found.items]


def _regions(options: Options) -> dict[str, dict[str, str]]:
    """region → column → ARN, for the tokens that are given by region."""
    made: dict[str, dict[str, str]] = {}
    for token in (options.notify, options.verify):
        for region, arn in token.regions.items():
            made.setdefault(region, {})[token.column] = arn
    return made


def _output(doc: Document, ids: Ids) -> str:
    # A classic gate has nothing to show: what was signalled is an object, and cfn-lint wants a text.
    outputs = _names(doc, "Outputs")
    if ids.classic or len(outputs) >= MOST_OUTPUTS:
        return ""
    return OUTPUT if OUTPUT not in outputs else f"{OUTPUT}{ids.version}"


def _mapping(doc: Document) -> str:
    names = _names(doc, "Mappings")
    if len(names) >= _MOST_MAPPINGS:
        what = Phrase("There is no room for the mapping of tokens by region: give one token.")
        raise doc.bad(doc.root.get("Mappings"), what)
    return email.free_name(REGIONS, {*names})


def _interface_of(doc: Document) -> Node:
    """What the console shows parameters by; the whole template where there is no such part."""
    metadata = section(doc, "Metadata")
    return (metadata.get(INTERFACE) if metadata else None) or doc.root


def _interface(doc: Document, name: str, kind: str) -> Node | None:
    found = _interface_of(doc).get(name)
    return found if found is not None and found.kind == kind and (found.items or found.children) else None


def _groups(doc: Document) -> Node | None:
    return _interface(doc, "ParameterGroups", "seq")


def _labels(doc: Document) -> Node | None:
    return _interface(doc, "ParameterLabels", "map")


def add(editor: Editor, added: Additions, ids: Ids) -> None:
    """Put the additions into the text. Raises BadTemplate."""
    entries: dict[str, tuple[str, dict[str, Any]]] = {
        "Parameters": (added.parameter, added.parameter_data),
        "Mappings": (added.mapping, added.mapping_data),
        "Outputs": (added.output, output_data(ids)),
    }
    wanted = {name: {what: data} for name, (what, data) in entries.items() if what}
    # First what goes into a section: a new one may begin at the very place.
    for name in wanted.keys() - added.new:
        _add_to(editor, name, wanted[name])
    for name in added.new:
        editor.add_section(name, wanted[name])
    groups, labels = _groups(editor.doc), _labels(editor.doc)
    if added.has_group and groups is not None:
        editor.add_first_item(groups, {"Label": {"default": email.GROUP}, "Parameters": [added.parameter]})
    if added.has_label and labels is not None:
        key = next(key for key, node in _interface_of(editor.doc).items if node is labels)
        editor.add_first(key, labels, {added.parameter: email.LABEL})


def _add_to(editor: Editor, name: str, entries: dict[str, Any]) -> None:
    doc = editor.doc
    key, node = entry(doc, name)
    if node.is_null and not node.tag and node.value:
        what = Phrase("The section %(name)s is null, which CloudFormation does not take. Delete the line.", name=name)
        raise doc.bad(key, what)
    if node.tag or (node.kind != "map" and not (node.is_null and not node.value)):
        raise doc.bad(key, Phrase("The section %(name)s is not a mapping.", name=name))
    if node.kind == "scalar" and doc.root.flow:
        raise doc.bad(key, Phrase("The section %(name)s is not a mapping.", name=name))
    editor.add_first(key, node, entries)
