"""What each step asks of AWS. Each may be carried out again after it was carried out, or half of it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from catalog.gating import Verdict
from catalog.models import Publication, Step, Template, Version
from catalog.models.publishing import Kind, Retirement
from catalog.publishing import affected, bucket
from catalog.publishing.planning import Plan, gated, plan
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
    sha256 = hashlib.sha256(text).hexdigest()
    if result.verdict is Verdict.GATED and sha256 != publication.facts["gated"]:
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
        if one.get("Active", True) and mark in one.get("Description", ""):
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
        IdempotencyToken=publication.token,
    )
    return {"artifact_id": answer["ProvisioningArtifactDetail"]["Id"]}


def _ready(publication: Publication, _step: Step, publisher: Publisher) -> Changes:
    """Raises Passing while AWS still makes it; a version that cannot be launched replaces none."""
    answer = publisher.ask(
        "servicecatalog",
        "describe_provisioning_artifact",
        ProductId=publication.product.product_id,
        ProvisioningArtifactId=publication.artifact_id,
    )
    if answer.get("Status") == "CREATING":
        raise Passing("creating")
    if answer.get("Status") == "FAILED":
        raise Trouble("creation_failed")
    if not answer["ProvisioningArtifactDetail"].get("Active", True):
        raise Trouble("switched_off")
    return {}


def _retire(publication: Publication, step: Step, publisher: Publisher) -> Changes:
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


_STEPS: dict[Kind, Callable[[Publication, Step, Publisher], Changes]] = {
    Kind.CHECK: _check,
    Kind.CHILD: _child,
    Kind.TEMPLATE: _template,
    Kind.VERSION: _version,
    Kind.READY: _ready,
    Kind.RETIRE: _retire,
}
