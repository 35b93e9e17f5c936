"""The catalogue as the checks need it: which versions can be launched, and what their templates' gates say.

Read from the mirror where that was read to its end within the last hour, else from AWS; judged by catalog.coverage
either way.
"""

from __future__ import annotations

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from approvals.doctor.visit import Denied, Place, Visit, code_of
from catalog import models
from catalog.coverage import Analysis, Call, analyse, analysis_of
from catalog.coverage.tokens import resolved
from catalog.coverage.verdicts import Facts, Judgement, judge
from catalog.models.places import Result
from catalog.models.products import STACK_ENGINES, STACK_TYPES
from catalog.sync.objects import Unread, place_of
from catalog.templates.document import LARGEST
from portal.phrases import Phrase

# Reading a large catalogue ends here, so that the checks can say so within the doctor's own time.
SECONDS = 12.0
FRESH = timedelta(hours=1)
_HANDS = 6
_PAGE = 20


@dataclass(frozen=True, slots=True)
class Version:
    """One that can be launched or updated to. Without an analysis, `unread` says why: a code, a right or a sentence.

    `sha256`: hex, of its template, empty without one."""

    product_id: str
    product: str
    id: str
    name: str
    deprecated: bool
    place: Place
    analysis: Analysis | None = field(default=None, repr=False)
    unread: str | Phrase = ""
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.product} {self.name}".strip()

    @property
    def about(self) -> str:
        return f"{self.product_id} {self.id}"

    @property
    def is_gated(self) -> bool:
        return self.analysis is not None and bool(self.analysis.inspection.gates)

    @property
    def handles(self) -> list[str]:
        return self.analysis.handles if self.analysis else []

    @property
    def leaking(self) -> list[str]:
        """Of one with a gate: what is created before anybody approves."""
        return [leak.logical_id for leak in self.analysis.inspection.leaks] if self.analysis and self.is_gated else []

    @property
    def calls(self) -> list[tuple[Call, str | None]]:
        """What its gates may call here: "" without a ServiceToken, None where only CloudFormation knows."""
        calls = self.analysis.calls if self.analysis else []
        here = self.place.account, self.place.region
        return [(call, resolved(token, *here)) for call in calls for token in call.tokens]

    def judged(self, others: list[Version]) -> Judgement:
        """As coverage judges it beside the other versions of its product."""
        mine = self.handles
        twins = [one.name for one in others if mine and one.handles == mine and one.sha256 != self.sha256]
        return judge(Facts(True, self.place.account, self.place.region, self.analysis, twins=tuple(twins)))


def versions(visit: Visit) -> list[Version]:
    """Every active version in the visit's place. Raises Denied and botocore's errors where the catalogue is
    closed."""
    return visit.round.once(("versions", visit.here), lambda: _versions(visit))


def gated(visit: Visit) -> dict[str, list[Version]]:
    """The products with at least one gated version: product id → all its active versions."""
    products: dict[str, list[Version]] = {}
    for version in versions(visit):
        products.setdefault(version.product_id, []).append(version)
    return {id_: group for id_, group in products.items() if any(one.is_gated for one in group)}


def _versions(visit: Visit) -> list[Version]:
    place = visit.here
    fresh = models.SyncRun.objects.filter(
        place__account=place.account,
        place__region=place.region,
        place__enabled=True,
        result=Result.DONE,
        finished_at__gte=visit.now - FRESH,
    )
    return _mirrored(place) if fresh.exists() else _asked(place)


def _mirrored(place: Place) -> list[Version]:
    kept = models.Version.objects.existing().filter(
        active=True,
        type__in=STACK_TYPES,
        product__account=place.account,
        product__region=place.region,
        product__removed_at=None,
        product__engine__in=STACK_ENGINES,
    )
    found = kept.select_related("product", "template").defer("template__body")
    return [_of_mirror(place, one) for one in found.order_by("product", "pk")]


def _of_mirror(place: Place, kept: models.Version) -> Version:
    template, product = kept.template, kept.product
    analysis = None
    if template is not None:
        known = analysis_of(template.analysis, template.analysis_version)
        analysis = known or analyse(template.body)
    unread = kept.template_unread or Phrase("It was not read yet.")
    deprecated, sha256 = kept.guidance == kept.DEPRECATED, template.sha256 if template else ""
    version = Version(product.product_id, product.name, kept.artifact_id, kept.name, deprecated, place, sha256=sha256)
    return _judged(version, analysis, unread)


def _judged(version: Version, analysis: Analysis | None, unread: str | Phrase) -> Version:
    """`unread` counts only where there is no analysis."""
    if analysis is not None:
        unread = analysis.bad or ""
    return replace(version, analysis=None if unread else analysis, unread=unread)


def _asked(place: Place) -> list[Version]:
    ends = time.monotonic() + SECONDS
    views = place.pages("servicecatalog", "search_products_as_admin", "ProductViewDetails", PageSize=_PAGE)
    summaries = [view["ProductViewSummary"] for view in views]
    with ThreadPoolExecutor(_HANDS, "doctor-catalogue") as pool:
        listed = [one for group in pool.map(partial(_listed, place), summaries) for one in group]
        return list(pool.map(partial(_read, ends), listed))


def _listed(place: Place, summary: dict[str, Any]) -> list[Version]:
    answer = place.read("servicecatalog", "list_provisioning_artifacts", ProductId=summary["ProductId"])
    return [
        Version(
            summary["ProductId"],
            summary.get("Name", ""),
            one["Id"],
            one.get("Name", ""),
            one.get("Guidance") == "DEPRECATED",
            place,
        )
        for one in answer["ProvisioningArtifactDetails"]
        if one.get("Active", True) and one.get("Type", "CLOUD_FORMATION_TEMPLATE") == "CLOUD_FORMATION_TEMPLATE"
    ]


def _read(ends: float, version: Version) -> Version:
    analysis: Analysis | None = None
    unread: str | Phrase = Phrase("There was no time left.")
    if time.monotonic() < ends:
        try:
            text = _template(version)
            version = replace(version, sha256=hashlib.sha256(text.encode()).hexdigest())
            analysis = analyse(text)
        except Denied as denied:
            unread = denied.action
        except Unread as trouble:
            unread = trouble.code
        except ClientError as error:
            unread = code_of(error)
        except (BotoCoreError, UnicodeDecodeError) as error:
            unread = type(error).__name__
    return _judged(version, analysis, unread)


def _template(version: Version) -> str:
    place = version.place
    info: dict[str, str] = place.read(
        "servicecatalog",
        "describe_provisioning_artifact",
        ProductId=version.product_id,
        ProvisioningArtifactId=version.id,
    ).get("Info", {})
    if stack := info.get("ImportFromPhysicalId"):
        body = place.read("cloudformation", "get_template", StackName=stack)["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)
    kept = place_of(info.get("TemplateUrl", ""), place.region, place.client("s3").meta.endpoint_url)
    pinned = {"VersionId": kept.version} if kept.version else {}
    got = place.read("s3", "get_object", Bucket=kept.bucket, Key=kept.key, **pinned)
    with got["Body"] as stream:
        content: bytes = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Unread("too_large")
    return content.decode("utf-8")
