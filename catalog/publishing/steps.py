"""What each step asks of AWS. Each may be carried out again after it was carried out, or half of it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from catalog.gating import Verdict
from catalog.models import Publication, Step, Template, Version
from catalog.models.publishing import Kind, Retirement
from catalog.publishing import affected, bucket, readback
from catalog.publishing.planning import Plan, gated, launchable, plan
from catalog.publishing.publisher import Publisher
from catalog.sync.trouble import Gone, Passing, Trouble
from portal import clock

# Fields of the publication that the step settles.
Changes = dict[str, Any]


class Changed(Exception):
    """What was confirmed is no longer so; `plan` is what would have to be shown now."""

    def __init__(self, found: Plan) -> None:
        super().__init__("changed")
        self.plan = found


def carry_out(publication: Publication, step: Step, publisher: Publisher) -> Changes:
    """Raises Trouble and Changed."""
    return _STEPS[Kind(step.kind)](publication, step, publisher)


def _check(publication: Publication, _step: Step, publisher: Publisher) -> Changes:
    found = plan(publication, publisher)
    if found.error or found.shown != publication.shown:
        raise Changed(found)
    return {}


def _child(publication: Publication, _step: Step, publisher: Publisher) -> Changes:
    source = publication.source.template if publication.source else None
    if source is None:
        raise Trouble("unread")
    return {"child_version": bucket.store(publisher, source.body.encode())}


def _template(publication: Publication, _step: Step, publisher: Publisher) -> Changes:
    """A wrapper is written anew, with the version of its child; any other template is what was shown."""
    result = gated(publication, publisher, publication.child_version)
    text = result.output
    if result.verdict != publication.verdict or text is None:
        raise Trouble("gate_changed")
    # A wrapper was shown without the version of its child.
    shown = gated(publication, publisher).output if result.verdict is Verdict.WRAPPED else text
    if shown is None or hashlib.sha256(shown).hexdigest() != publication.facts["gated"]:
        raise Trouble("gate_changed")
    version = bucket.store(publisher, text)
    return {"gated": kept(text), "template_version": version}


def kept(text: bytes) -> Template:
    """The template's row."""
    template, _ = Template.objects.get_or_create(
        sha256=hashlib.sha256(text).hexdigest(),
        defaults={"body": text.decode(), "size": len(text), "first_read_at": clock.now()},
    )
    return template


def _version(publication: Publication, _step: Step, publisher: Publisher) -> Changes:
    """One that carries our mark was made by a worker that could not say so any more, or by an earlier publication."""
    sha256 = publication.gated.sha256 if publication.gated else ""
    mark = f"sha256:{sha256}"
    for one in affected.versions(publisher, publication.product):
        if mark in one.get("Description", "") and _is_ours(publication, one, sha256, publisher):
            return {"artifact_id": one["Id"]}
    source = publication.facts["source"]
    answer = publisher.ask(
        "servicecatalog",
        "create_provisioning_artifact",
        ProductId=publication.product.product_id,
        Parameters={
            "Name": publication.facts["name"],
            "Description": f"{source['name']} ({source['id']}) with the gate of Gatehouse. {mark}",
            "Type": "CLOUD_FORMATION_TEMPLATE",
            "Info": {"LoadTemplateFromURL": bucket.url_of(publisher, sha256)},
        },
        # Another text, after a change of the plan, is another version.
        IdempotencyToken=f"{publication.token}-{sha256[:16]}",
    )
    return {"artifact_id": answer["ProvisioningArtifactDetail"]["Id"]}


def _is_ours(publication: Publication, live: dict[str, Any], sha256: str, publisher: Publisher) -> bool:
    """Anybody can write our mark into a description: it must launch the gated template, and nobody may retire it."""
    if live["Id"] in publication.retires or not launchable(live):
        return False
    known = Version.objects.filter(artifact_id=live["Id"]).select_related("template").first()
    if known is not None and known.template is not None:
        return known.template.sha256 == sha256
    info = _describe(publication, live["Id"], publisher).get("Info", {})
    address: str = info.get("TemplateUrl", "")
    return address.partition("?")[0] == bucket.url_of(publisher, sha256)


def replacement(publication: Publication) -> str:
    """The gated version's id: the one that was made, or the source that was gated already."""
    return str(publication.artifact_id if publication.creates else publication.facts["source"]["id"])


def _describe(publication: Publication, artifact_id: str, publisher: Publisher) -> dict[str, Any]:
    return publisher.ask(
        "servicecatalog",
        "describe_provisioning_artifact",
        ProductId=publication.product.product_id,
        ProvisioningArtifactId=artifact_id,
    )


def _ready(publication: Publication, _step: Step, publisher: Publisher) -> Changes:
    """Nothing is retired for a version that launches anything but what was planned."""
    answer = _launchable(publication, publisher)
    if publication.creates:
        sha256 = publication.gated.sha256 if publication.gated else ""
        readback.check(publisher, answer.get("Info", {}), sha256)
    return {}


def _launchable(publication: Publication, publisher: Publisher) -> dict[str, Any]:
    """Raises Passing while AWS still makes it; a version that cannot be launched replaces none."""
    answer = _describe(publication, replacement(publication), publisher)
    if answer.get("Status") == "CREATING":
        raise Passing("creating")
    if answer.get("Status") == "FAILED":
        raise Trouble("creation_failed")
    if not launchable(answer["ProvisioningArtifactDetail"]):
        raise Trouble("switched_off")
    return answer


def _retire(publication: Publication, step: Step, publisher: Publisher) -> Changes:
    """Not unless the gated version can be launched, and who runs on what is still to retire is as it was shown."""
    _launchable(publication, publisher)
    if _runs_changed(publication, publisher):
        found = plan(publication, publisher)
        if found.error:
            raise Trouble(found.error)
        raise Changed(found)
    softer = {"Guidance": Version.DEPRECATED}
    # If somebody deleted it, nobody can launch it any more, which is all that was wanted.
    with suppress(Gone):
        publisher.ask(
            "servicecatalog",
            "update_provisioning_artifact",
            ProductId=publication.product.product_id,
            ProvisioningArtifactId=step.target,
            **(softer if publication.retire == Retirement.DEPRECATED else {"Active": False}),
        )
    return {}


def _runs_changed(publication: Publication, publisher: Publisher) -> bool:
    """What could not be told when it was confirmed cannot change."""
    left = set(publication.steps.filter(kind=Kind.RETIRE, done_at=None).values_list("target", flat=True))
    shown = {one["id"]: one["launched"] for one in publication.facts["ungated"] if one["id"] in left}
    if None in shown.values():
        return False
    runs = affected.launched(publisher, publication.product)
    return runs is None or any(runs.get(key, {"count": 0, "some": []}) != one for key, one in shown.items())


_STEPS: dict[Kind, Callable[[Publication, Step, Publisher], Changes]] = {
    Kind.CHECK: _check,
    Kind.CHILD: _child,
    Kind.TEMPLATE: _template,
    Kind.VERSION: _version,
    Kind.READY: _ready,
    Kind.RETIRE: _retire,
}
