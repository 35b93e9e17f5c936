"""What an update does to data: what holds them is taken away, or replaced by something empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk, listed
from catalog.reading.replacing import replaced_by
from catalog.reading.rules.deletion import HOLDS_DATA, is_kept
from catalog.reading.stack import Resource, Stack, stack_of
from catalog.templates import Document

# CloudFormation does not delete a bucket with something in it, but it does put an empty one in its place.
_EMPTIED = HOLDS_DATA | {"AWS::S3::Bucket"}


def losses(old: Document, new: Document, was: Mapping[str, str], will: Mapping[str, str]) -> list[Finding]:
    """What the data lose when `old` with the parameters `was` becomes `new` with `will`; see catalog.reading.digest.

    Values are compared as the parameters make them: a changed parameter alone can replace a database.
    """
    return list(_losses(stack_of(old, was), stack_of(new, will)))


def _losses(old: Stack, new: Stack) -> Iterator[Finding]:
    coming = {one.id: one for one in new.resources}
    for resource in old.of(*_EMPTIED):
        after = coming.get(resource.id)
        if after is None:
            if resource.type in HOLDS_DATA:
                yield _removed(resource)
            continue
        changed = replaced_by(_seen(resource), _seen(after))
        if changed:
            yield Finding(
                "data-left-behind",
                Risk.HIGH,
                _("Something with data is replaced by an empty one"),
                _("%(properties)s cannot be changed in place: CloudFormation makes a new one, without the data.")
                if is_kept(resource, "UpdateReplacePolicy") or resource.type not in HOLDS_DATA
                else _("%(properties)s cannot be changed in place: the old one is deleted with its data."),
                (resource.id,),
                {"properties": listed(changed)},
                sure=resource.sure and after.sure,
            )


def _removed(resource: Resource) -> Finding:
    kept = is_kept(resource)
    return Finding(
        "data-removed",
        Risk.MEDIUM if kept else Risk.HIGH,
        _("Something with data is removed"),
        _("The update takes it out of the stack; its DeletionPolicy keeps the data or a snapshot of them.")
        if kept
        else _("The update deletes it, and the data that are in it."),
        (resource.id,),
        sure=resource.sure,
    )


def _seen(resource: Resource) -> dict[str, object]:
    return {"Type": resource.type, "Properties": resource.properties}
