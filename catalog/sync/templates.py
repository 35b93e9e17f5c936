"""The templates of versions that were not read yet: once per version, kept once per content.

Where a template is, only AWS says (`Info` of DescribeProvisioningArtifact): a stack's own, an object of S3 that
the place's role reads, or a presigned address. Addresses are opened only on Amazon S3's hosts of the place's
partition, over TLS, and never followed elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from django.db.models import F

from catalog.models import Template, Version
from catalog.sync import objects
from catalog.sync.objects import Unread
from catalog.sync.slices import MOST_IN_A_ROW, Slice
from catalog.sync.trouble import Busy, Denied, General, Gone, Passing, Trouble
from catalog.templates.document import LARGEST
from portal import clock

_DENIED_IN_A_ROW = "denied_in_a_row"


def templates(at: Slice) -> None:
    """Those that were never tried first, so that none is crowded out; among them versions that can be launched."""
    versions = Version.objects.unread(at.run.renew_before).filter(product__place=at.place, product__removed_at=None)
    left = versions.select_related("product").order_by(F("template_tried_at").asc(nulls_first=True), "-active", "-pk")
    at.each(left, "artifact_id", partial(_read, at), partial(_store, at), _leave)


def _read(at: Slice, version: Version) -> bytes | Unread:
    """Raises what may be no matter of this version: AWS does not tell where its template is, or does not answer now."""
    try:
        info: dict[str, str] = at.reader.ask(
            "servicecatalog",
            "describe_provisioning_artifact",
            ProductId=version.product.product_id,
            ProvisioningArtifactId=version.artifact_id,
        ).get("Info", {})
    except Gone as gone:
        return Unread(gone.code)
    try:
        return _content(at, info)
    except Unread as unread:
        return unread
    except (Busy, General, Passing):
        raise
    except Trouble as trouble:
        return Unread(trouble.code)


def _content(at: Slice, info: dict[str, str]) -> bytes:
    """Raises Unread and Trouble."""
    if stack := info.get("ImportFromPhysicalId"):
        answer = at.reader.ask("cloudformation", "get_template", StackName=stack, TemplateStage="Original")
        body: Any = answer["TemplateBody"]
        return (body if isinstance(body, str) else json.dumps(body, indent=2)).encode()
    url = info.get("TemplateUrl", "")
    if not url:
        raise Unread("no_address")
    place = objects.place_of(url, at.place.region, at.reader.client("s3").meta.endpoint_url)
    if place.signed:
        return objects.fetch(url, at.reader)
    try:
        return objects.get(place, at.reader)
    except Denied:
        # A public template of another account can be read without credentials, and only so.
        if not place.is_amazons:
            raise
        try:
            return objects.fetch(url, at.reader)
        except Unread:
            pass
        raise


def _store(at: Slice, version: Version, found: bytes | Unread) -> None:
    text = found if isinstance(found, Unread) else _text(found)
    now = clock.now()
    if isinstance(text, Unread):
        with at.unit(done=1, unread=1):
            _say_of_all(at, text.code)
            Version.objects.filter(pk=version.pk).update(template_unread=text.code[:100], template_tried_at=now)
        return
    assert isinstance(found, bytes)  # noqa: S101 - for the reader: only bytes have a text
    with at.unit(done=1):
        at.run.counts.pop(_DENIED_IN_A_ROW, None)
        template, is_new = Template.objects.get_or_create(
            sha256=hashlib.sha256(found).hexdigest(),
            defaults={"body": text, "size": len(found), "first_read_at": now},
        )
        at.count("templates", int(is_new))
        Version.objects.filter(pk=version.pk).update(template=template, template_unread="", template_tried_at=now)


def _leave(version: Version, trouble: Trouble) -> None:
    """Where the right to ask is missing, it is tried again as soon as there is one: the next run asks again."""
    tried = {} if isinstance(trouble, Denied) else {"template_tried_at": clock.now()}
    Version.objects.filter(pk=version.pk).update(template_unread=trouble.code[:100], **tried)


def _say_of_all(at: Slice, code: str) -> None:
    """A bucket may deny its objects; denied so often in a row, a right is missing, and the run says which."""
    if not code.startswith("denied:"):
        return
    at.count(_DENIED_IN_A_ROW)
    if at.run.counts[_DENIED_IN_A_ROW] >= MOST_IN_A_ROW:
        at.run.counts["trouble"] = code


def _text(content: bytes) -> str | Unread:
    """As CloudFormation's own readers do: UTF-8, or UTF-16 where a byte order mark says so."""
    if len(content) > LARGEST:
        return Unread("too_large")
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if marked else "utf-8")
    except UnicodeDecodeError:
        return Unread("not_text")
    return Unread("not_text") if "\0" in text else text
