"""The worker's side of publishing: `catalog.publishing` does it, and every step is audited in its transaction."""

from __future__ import annotations

from approvals import audit
from approvals.actor import Actor
from approvals.choices import Channel
from catalog import publishing
from catalog.models import Product, Publication, Step
from catalog.models.publishing import Kind
from catalog.publishing import Happening
from catalog.publishing.steps import replacement
from portal import clock

WORKER = Actor.system(Channel.TIMER)
_EVENTS = {
    Happening.PLANNED: audit.Event.PUBLICATION_PLANNED,
    Happening.REFUSED: audit.Event.PUBLICATION_REFUSED,
    Happening.CHANGED: audit.Event.PUBLICATION_CHANGED,
    Happening.DONE: audit.Event.PUBLICATION_DONE,
    Happening.FAILED: audit.Event.PUBLICATION_FAILED,
}
_STEPS = {
    Kind.CHILD: audit.Event.TEMPLATE_STORED,
    Kind.TEMPLATE: audit.Event.TEMPLATE_STORED,
    Kind.VERSION: audit.Event.VERSION_CREATED,
    Kind.READY: audit.Event.VERSION_READY,
    Kind.RETIRE: audit.Event.VERSION_RETIRED,
}


def drain(seconds: float) -> None:
    """Work on what waits, for so long."""
    if publishing.is_on():
        publishing.work(told, seconds)


def subject(product: Product) -> str:
    """The audit chain of a product."""
    return f"product:{product.product_id}"[:40]


def told(publication: Publication, happening: Happening, step: Step | None) -> None:
    """Audit what happened, in the transaction in which it is settled."""
    event = _EVENTS[happening] if step is None else _STEPS[Kind(step.kind)]
    facts: dict[str, str | int | bool | None] = {"publication": publication.pk}
    if happening in (Happening.REFUSED, Happening.FAILED):
        facts["error"] = publication.error
    if happening in (Happening.PLANNED, Happening.CHANGED):
        facts |= {"verdict": publication.verdict, "shown": publication.shown}
    if step is not None:
        facts |= _of_step(publication, step)
    audit.record(subject(publication.product), event, actor=WORKER, now=clock.now(), params=facts)


def _of_step(publication: Publication, step: Step) -> dict[str, str | int | bool | None]:
    if step.kind == Kind.CHILD:
        return {"sha256": publication.facts["source"]["sha256"], "object_version": publication.child_version}
    if step.kind == Kind.TEMPLATE:
        sha256 = publication.gated.sha256 if publication.gated else ""
        return {"sha256": sha256, "object_version": publication.template_version}
    if step.kind == Kind.RETIRE:
        return {"version": step.target, "retire": publication.retire}
    return {"version": replacement(publication)}
