"""Takes a gate written by hand out of a template, so that ours can take its place."""

from __future__ import annotations

from catalog.gating.editing import Editor
from catalog.gating.ours import free
from catalog.gating.recognising import gates_in
from catalog.gating.removing import remove_entries
from catalog.gating.resources import entry, resources, section
from catalog.templates import BadTemplate, Document, plain, read, references
from portal.phrases import Phrase


def without_hand_made(doc: Document) -> Document:
    """The template without gates of another hand, read anew. Raises BadTemplate where something else needs them."""
    everything = resources(doc)
    known = {one.id: one for one in everything if not one.looped}
    gone = {one.id for found in gates_in(known) for one in found.all}
    key, where = entry(doc, "Resources")
    if len(gone) == len(everything):
        raise doc.bad(key, Phrase("It has nothing but its gate."))
    editor = Editor(doc)
    for one in everything:
        if one.id in gone:
            continue
        if names := references(one.data) & gone:
            what = Phrase(
                "%(name)s refers to %(part)s, a part of the gate. Take that out by hand first.",
                name=one.id,
                part=min(names),
            )
            raise doc.bad(one.key, what)
        free(editor, one, gone)
    remove_entries(editor, where, gone)
    _remove_outputs(editor, gone)
    try:
        after = read(doc.encode(editor.text()), doc.name)
        _check(doc, after, gone)
    except ValueError:
        raise _unclean(doc) from None
    except BadTemplate as error:
        raise doc.bad(key, Phrase("Without its gate it is no template: %(why)s", why=error.what)) from None
    return after


def _unclean(doc: Document) -> BadTemplate:
    what = Phrase("The gate written by hand cannot be taken out cleanly. Do it by hand.")
    return doc.bad(doc.root.key("Resources"), what)


def _remove_outputs(editor: Editor, gone: set[str]) -> None:
    outputs = section(editor.doc, "Outputs")
    if outputs is None:
        return
    showing = {key.value for key, node in outputs.items if references(editor.doc.data(node)) & gone}
    if showing and len(showing) == len(outputs.items):
        remove_entries(editor, editor.doc.root, {"Outputs"})
    else:
        remove_entries(editor, outputs, showing)


def _check(doc: Document, after: Document, gone: set[str]) -> None:
    """Nothing but the gate may be gone. Raises BadTemplate."""
    before = {
        one.id: {**one.data, "DependsOn": set(one.depends_on) - gone} for one in resources(doc) if one.id not in gone
    }
    if {one.id: {**one.data, "DependsOn": set(one.depends_on)} for one in resources(after)} != before:
        raise _unclean(doc)
    for name, node in doc.root.entries():
        if name not in ("Resources", "Outputs") and doc.data(node) != plain(after.root.get(name) or node):
            raise doc.bad(node, Phrase("The section %(name)s would change. Take the gate out by hand.", name=name))
