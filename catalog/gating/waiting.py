"""Makes resources wait: one name more in their DependsOn."""

from __future__ import annotations

from catalog.gating.editing import Editor
from catalog.gating.resources import Resource, entry
from catalog.templates import Node


def wait(editor: Editor, resource: Resource, release: str) -> None:
    """Let this resource be made after `release`. Raises BadTemplate where its DependsOn cannot be read."""
    body = resource.node
    node, key = body.get("DependsOn"), body.key("DependsOn")
    if body.start < entry(editor.doc, "Resources")[1].start:
        raise editor.doc.fixed(
            resource.key, f"{resource.id} is an alias of something written elsewhere. Write it out there."
        )
    if node is None or key is None:
        if "DependsOn" in resource.data:
            raise editor.doc.fixed(body, f"A merge key (<<) brings {resource.id} its DependsOn. Write it out there.")
        _add(editor, resource, release)
    elif node.is_null and not node.tag:
        raise editor.doc.bad(key, f"The DependsOn of {resource.id} is empty: remove it.")
    elif node.tag or node.kind == "map":
        raise editor.doc.fixed(node, f"The DependsOn of {resource.id} is neither a name nor a list of names.")
    elif node.kind == "scalar":
        if node.value != release:
            editor.make_list(body, key, node, release)
    elif all(_is_name(child) or (resource.looped and _is_function(child)) for child in node.children):
        if release not in (child.value for child in node.children):
            editor.add_to_list(key, node, release)
    else:
        raise editor.doc.fixed(node, f"The DependsOn of {resource.id} is neither a name nor a list of names.")


def _add(editor: Editor, resource: Resource, release: str) -> None:
    key, node = resource.node.key("Type"), resource.node.get("Type")
    if key is None or node is None:
        raise editor.doc.fixed(resource.node, f"A merge key (<<) brings {resource.id} its Type. Write it out there.")
    editor.add_after(resource.node, key, node, "DependsOn", release)


def _is_name(node: Node) -> bool:
    return node.kind == "scalar" and not node.tag


def _is_function(node: Node) -> bool:
    """A name that a loop puts together: {"Fn::Sub": …}, !Sub …."""
    if node.tag:
        return True
    return node.kind == "map" and len(node.items) == 1 and node.items[0][0].value.startswith(("Fn::", "Ref"))
