"""The mirror right after a publication: what it made and retired is known before it is called done.

The place is read again anyway, from beginning to end; this is so that no page raises an alarm until then that is none.
"""

from __future__ import annotations

from typing import Any

from catalog.coverage import covering
from catalog.models import Publication, Version
from catalog.publishing import affected
from catalog.publishing.publisher import Publisher
from catalog.sync import versions
from catalog.sync.trouble import Trouble
from portal import clock


def look(publication: Publication, publisher: Publisher) -> list[dict[str, Any]]:
    """The product's versions as AWS lists them now; nothing where it does not say: that is no failure."""
    if not publication.steps.exists():
        return []
    try:
        return affected.versions(publisher, publication.product)
    except Trouble:
        return []


def keep(publication: Publication, live: list[dict[str, Any]]) -> None:
    """Inside the caller's transaction. The new version's template was read back from AWS before others were retired."""
    if not live:
        return
    product = publication.product
    versions.keep(product, live)
    made = Version.objects.filter(product=product, artifact_id=publication.artifact_id, template=None)
    if publication.creates and publication.gated:
        made.update(template=publication.gated, template_unread="", template_tried_at=clock.now())
    type(product).objects.filter(pk=product.pk).update(versions_at=clock.now())
    covering.judge_at_once(product)
