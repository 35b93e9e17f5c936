"""The catalogue as the checks need it: which versions can be launched, and what their templates' gates say."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from approvals.doctor.gates import Gate, Unreadable, gate_of
from approvals.doctor.visit import Denied, Place, Visit, code_of

# Reading a large catalogue ends here, so that the checks can say so within the doctor's own time.
SECONDS = 12.0
_HANDS = 6
_LARGEST = 1024 * 1024
_PAGE = 20


@dataclass(frozen=True, slots=True)
class Version:
    """One that can be launched or updated to. Without a gate read, `unread` says why, as a code or a missing
    right."""

    product_id: str
    product: str
    id: str
    name: str
    deprecated: bool
    gate: Gate | None = None
    unread: str = ""

    def __str__(self) -> str:
        return f"{self.product} {self.name}".strip()

    @property
    def about(self) -> str:
        return f"{self.product_id} {self.id}"

    @property
    def is_gated(self) -> bool:
        return self.gate is not None and self.gate.holds


def versions(visit: Visit) -> list[Version]:
    """Every active version in the visit's place. Raises Denied and botocore's errors where the catalogue is
    closed."""
    return visit.round.once(("versions", visit.here), lambda: _versions(visit.here))


def gated(visit: Visit) -> dict[str, list[Version]]:
    """The products with at least one gated version: product id → all its active versions."""
    products: dict[str, list[Version]] = {}
    for version in versions(visit):
        products.setdefault(version.product_id, []).append(version)
    return {id_: group for id_, group in products.items() if any(one.is_gated for one in group)}


def _versions(place: Place) -> list[Version]:
    ends = time.monotonic() + SECONDS
    views = place.pages("servicecatalog", "search_products_as_admin", "ProductViewDetails", PageSize=_PAGE)
    summaries = [view["ProductViewSummary"] for view in views]
    with ThreadPoolExecutor(_HANDS, "doctor-catalogue") as pool:
        listed = [one for group in pool.map(partial(_listed, place), summaries) for one in group]
        return list(pool.map(partial(_read, place, ends), listed))


def _listed(place: Place, summary: dict[str, Any]) -> list[Version]:
    answer = place.read("servicecatalog", "list_provisioning_artifacts", ProductId=summary["ProductId"])
    return [
        Version(
            summary["ProductId"],
            summary.get("Name", ""),
            one["Id"],
            one.get("Name", ""),
            one.get("Guidance") == "DEPRECATED",
        )
        for one in answer["ProvisioningArtifactDetails"]
        if one.get("Active", True) and one.get("Type", "CLOUD_FORMATION_TEMPLATE") == "CLOUD_FORMATION_TEMPLATE"
    ]


def _read(place: Place, ends: float, version: Version) -> Version:
    gate, unread = None, "no time left"
    if time.monotonic() < ends:
        try:
            gate, unread = gate_of(_template(place, version), place), ""
        except Denied as denied:
            unread = denied.action
        except Unreadable as trouble:
            unread = str(trouble) or "neither JSON nor YAML"
        except ClientError as error:
            unread = code_of(error)
        except (BotoCoreError, UnicodeDecodeError) as error:
            unread = type(error).__name__
    return Version(version.product_id, version.product, version.id, version.name, version.deprecated, gate, unread)


def _template(place: Place, version: Version) -> str:
    info: dict[str, str] = place.read(
        "servicecatalog",
        "describe_provisioning_artifact",
        ProductId=version.product_id,
        ProvisioningArtifactId=version.id,
    ).get("Info", {})
    if stack := info.get("ImportFromPhysicalId"):
        body = place.read("cloudformation", "get_template", StackName=stack)["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)
    bucket, key = object_of(info.get("TemplateUrl", ""))
    got = place.read("s3", "get_object", Bucket=bucket, Key=key)
    with got["Body"] as stream:
        content: bytes = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise Unreadable("larger than CloudFormation takes")
    return content.decode("utf-8")


def object_of(url: str) -> tuple[str, str]:
    """Bucket and key of an address of S3, in path or host style. Raises Unreadable."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    before, dot, _after = host.partition(".s3")
    if dot and ".amazonaws.com" in host:
        bucket, key = before, path
    else:
        bucket, _slash, key = path.partition("/")
    if not bucket or not key:
        raise Unreadable("no address of a template")
    return bucket, key
