"""Nested stacks: whether what is behind a child's URL can be exchanged by somebody after it was agreed to."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from catalog.gating.inspection import Child
from catalog.gating.names import RECORD
from catalog.gating.resources import Resource, section
from catalog.templates import Document
from portal.phrases import Phrase


def child_of(resource: Resource) -> Child:
    """A nested stack as the inspection lists it."""
    url = resource.properties.get("TemplateURL")
    why = _loose(url)
    return Child(resource.id, url, pinned=why is None, why=why)


def _loose(url: Any) -> Phrase | None:
    """What keeps the child's template from being the one that was looked at; None where nothing does."""
    text = url.get("Fn::Sub") if isinstance(url, dict) else url
    text = text[0] if isinstance(text, list) and text else text
    if not isinstance(text, str):
        return Phrase("Its URL is only known when it is launched.")
    if "versionId" not in parse_qs(urlsplit(text.replace("${", "").replace("}", "")).query):
        return Phrase("Its URL names no version of the object, which can be overwritten.")
    if text != url:
        return Phrase("Its URL is put together when it is launched.")
    return None


def wrapped_sha256(doc: Document) -> str:
    """The sha256 of the template a wrapper of ours wraps; empty for any other template."""
    metadata = section(doc, "Metadata")
    record = metadata.get(RECORD) if metadata else None
    data = doc.data(record) if record is not None else None
    wraps = data.get("Wraps") if isinstance(data, dict) else None
    return str(wraps.get("Sha256", "")) if isinstance(wraps, dict) else ""
