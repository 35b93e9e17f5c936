"""Makes resources wait: one name more in their DependsOn."""

from __future__ import annotations

from catalog.gating.editing import Editor, alias
from catalog.gating.resources import Resource, entry
from catalog.templates import BadTemplate, Node
from portal.phrases import Phrase


def wait(editor: Editor, resource: Resource, release: str) -> None:
    """Let this resource be made after `release`. Raises BadTemplate where its DependsOn cannot be read."""
    body = resource.node
    node, key = body.get("DependsOn"), body.key("DependsOn")
    if body.start < entry(editor.doc, "Resources")[1].start:
        raise alias(editor.doc, resource.key, resource.id)
    if node is None or key is None:
        if "DependsOn" in resource.data:
            raise _merge(editor, resource, "DependsOn")
        _add(editor, resource, release)
    elif node.is_null and not node.tag:
        raise editor.doc.bad(key, Phrase("The DependsOn of %(name)s is empty: remove it.", name=resource.id))
    elif node.tag or node.kind == "map":
        raise _unreadable(editor, resource, node)
    elif node.kind == "scalar":
        if node.value != release:
            editor.make_list(body, key, node, release)
    elif all(_is_name(child) or (resource.looped and _is_function(child)) for child in node.children):
        if release not in (child.value for child in node.children):
            editor.add_to_list(key, node, release)
    else:
        raise _unreadable(editor, resource, node)


def _add(editor: Editor, resource: Resource, release: str) -> None:
    key, node = resource.node.key("Type"), resource.node.get("Type")
    if key is None or node is None:
        raise _merge(editor, resource, "Type")
    editor.add_after(resource.node, key, node, "DependsOn", release)


def _merge(editor: Editor, resource: Resource, what: str) -> BadTemplate:
    said = Phrase("A merge key (<<) brings %(name)s its %(what)s. Write it out there.", name=resource.id, what=what)
    return editor.doc.fixed(resource.node, said)


def _unreadable(editor: Editor, resource: Resource, node: Node) -> BadTemplate:
    what = Phrase("The DependsOn of %(name)s is neither a name nor a list of names.", name=resource.id)
    return editor.doc.fixed(node, what)


def _is_name(node: Node) -> bool:
    return node.kind == "scalar" and not node.tag


def _is_function(node: Node) -> bool:
    """A name that a loop puts together: {"Fn::Sub": …}, !Sub …."""
    if node.tag:
        return True
    return node.kind == "map" and len(node.items) == 1 and node.items[0][0].value.startswith(("Fn::", "Ref"))
