"""Finds gates this library wrote, by their handle's id and record, and takes them out of the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.gating.editing import Editor
from catalog.gating.names import HANDLE, RECORD, Ids, version_in
from catalog.gating.parts import sha256_of, version_of
from catalog.gating.removing import remove_entries, remove_items, remove_section, unlist, unlist_block, was_text
from catalog.gating.resources import Resource, entry, resources, section
from catalog.templates import BadTemplate, Document, Node, read
from portal.phrases import Phrase

INTERFACE = "AWS::CloudFormation::Interface"


@dataclass(frozen=True, slots=True)
class Ours:
    """A gate of ours in a template. `added`: what the record lists; `template`: sha256 of the text without it."""

    ids: Ids
    added: tuple[str, ...]
    template: str

    @property
    def version(self) -> str:
        return self.ids.version


def ours_in(doc: Document) -> list[Ours]:
    """Every gate of ours, whole or not. Raises BadTemplate."""
    # What a loop makes is no gate of ours, whatever it is called.
    known = {one.id: one for one in resources(doc) if not one.looped}
    found = []
    for one in known.values():
        metadata = one.data.get("Metadata")
        record = metadata.get(RECORD) if isinstance(metadata, dict) else None
        if one.kind == HANDLE and version_in(one.id) and isinstance(record, dict):
            version = version_in(one.id)
            ids = Ids(version, classic=Ids(version).receipt not in known)
            listed = record.get("Added")
            added = tuple(map(str, listed)) if isinstance(listed, list) else ()
            found.append(Ours(ids, added, str(record.get("Template", ""))))
    return found


def stripped(doc: Document) -> Document:
    """The template without any gate of ours, read anew. Raises BadTemplate."""
    try:
        rest = read(doc.encode(without_ours(doc)), doc.name)
        is_free = not ours_in(rest)
    except BadTemplate as error:
        what = Phrase("Without its gate it is no template: %(why)s", why=error.what)
        raise doc.bad(doc.root.key("Resources"), what) from None
    if not is_free:
        raise doc.bad(doc.root.key("Resources"), Phrase("Its gate cannot be taken out. Take it out by hand."))
    return rest


def without_ours(doc: Document) -> str:
    """The text without any gate of ours. Raises BadTemplate."""
    if "without ours" not in doc.known:
        doc.known["without ours"] = _without(doc, ours_in(doc))
    text: str = doc.known["without ours"]
    return text


def is_stale(doc: Document, gate: Ours) -> bool:
    """Whether the template or the gate has changed since the gate was written."""
    try:
        rest = without_ours(doc)
    except BadTemplate:
        return True
    return gate.template != sha256_of(rest) or gate.version != current_version(doc, gate, rest)


def current_version(doc: Document, gate: Ours, rest: str) -> str:
    """The version that the gate has by what stands in the template; `rest` is its text without the gate."""
    known = {one.id: one.data for one in resources(doc) if not one.looped}
    defined = {name: known[name] for name in gate.ids.all if name in known}
    return version_of(rest, defined, additions_of(doc, gate), gate.ids)


def additions_of(doc: Document, gate: Ours) -> dict[str, Any]:
    """The definitions beside the gate's resources, by "Section.Name"."""
    found = {}
    for path in gate.added:
        name, dot, key = path.partition(".")
        where = section(doc, name) if name in ("Parameters", "Mappings", "Outputs") and dot else None
        node = where.get(key) if where else None
        if node is not None:
            found[path] = doc.data(node)
    return found


def _without(doc: Document, gates: list[Ours]) -> str:
    if not gates:
        return doc.text
    editor, names = Editor(doc), {name for gate in gates for name in gate.ids.all}
    added = {path for gate in gates for path in gate.added}
    key, where = entry(doc, "Resources")
    if {one.value for one, _body in where.items} <= names:
        raise doc.bad(key, Phrase("It has nothing but its gate."))
    remove_entries(editor, where, names)
    for body in {id(one.node): one for one in resources(doc) if one.looped or one.id not in names}.values():
        free(editor, body, names)
    for name in ("Parameters", "Mappings", "Outputs"):
        _remove_additions(
            editor, name, {path.partition(".")[2] for path in added if path.startswith(f"{name}.")}, added
        )
    for path in sorted(added):
        name, _dot, parameter = path.partition(".")
        if name in ("ParameterGroups", "ParameterLabels"):
            _remove_from_interface(editor, name, parameter)
    try:
        return editor.text()
    except ValueError:
        what = Phrase("Its gate was changed and cannot be taken out. Take it out by hand.")
        raise doc.bad(key, what) from None


def free(editor: Editor, body: Resource, names: set[str]) -> None:
    """Take these names out of a resource's DependsOn."""
    node = body.node.get("DependsOn")
    if node is None:
        return
    if node.kind == "scalar":
        if node.value in names:
            remove_entries(editor, body.node, {"DependsOn"}, behind=True)
        return
    gone = {at for at, child in enumerate(node.children) if child.value in names and not child.tag}
    # The gate stands first where there was one text before it, and last in a list.
    if node.flow and gone == {0} and len(node.children) == 2:
        unlist(editor, node)
    elif not node.flow and gone == {1} and len(node.children) == 2 and was_text(editor, node):
        unlist_block(editor, node)
    elif gone and len(gone) == len(node.children) and not (node.flow and len(gone) == 1):
        remove_entries(editor, body.node, {"DependsOn"}, behind=True)
    else:
        remove_items(editor, node, gone, behind=True)


def _remove_additions(editor: Editor, name: str, keys: set[str], added: set[str]) -> None:
    """`name`: of a section. Where the gate brought the section and nothing else is in it, it goes as a whole."""
    where = section(editor.doc, name)
    there = {key.value for key, _node in where.items} if where else set()
    if where is None or not keys & there:
        return
    if name in added and there <= keys:
        remove_section(editor, name)
    else:
        remove_entries(editor, where, keys)


def _remove_from_interface(editor: Editor, name: str, parameter: str) -> None:
    metadata = section(editor.doc, "Metadata")
    interface = metadata.get(INTERFACE) if metadata else None
    where = interface.get(name) if interface else None
    if where is None:
        return
    if where.kind == "map" and where.key(parameter) is not None:
        remove_entries(editor, where, {parameter})
    groups = [at for at, one in enumerate(where.children) if group_is(one, parameter)]
    if groups:
        remove_items(editor, where, {groups[0]})


def group_is(node: Node, parameter: str) -> bool:
    """Whether a parameter group is the one with nothing but this parameter."""
    names = node.get("Parameters")
    return names is not None and [one.value for one in names.children] == [parameter]
