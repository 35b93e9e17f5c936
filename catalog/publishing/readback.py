"""Whether what AWS would launch is what was planned: a version's template, read back from where AWS says it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from catalog.publishing.publisher import Publisher
from catalog.sync import objects
from catalog.sync.objects import Unread
from catalog.sync.trouble import Denied, Gone, Passing, Trouble


def check(publisher: Publisher, info: Mapping[str, str], sha256: str) -> None:
    """`info`: of DescribeProvisioningArtifact. Raises Trouble unless its template has this digest."""
    try:
        found = hashlib.sha256(_content(publisher, info)).hexdigest()
    except Unread as unread:
        raise Trouble(f"not_read_back:{unread.code}"[:100]) from None
    except (Denied, Gone) as trouble:
        raise Trouble(f"not_read_back:{trouble.code}"[:100]) from None
    except Trouble as trouble:
        raise Passing(trouble.code) if trouble.code == "throttled" else trouble from None
    if found != sha256:
        raise Trouble(f"not_as_planned:{found}")


def _content(publisher: Publisher, info: Mapping[str, str]) -> bytes:
    """Service Catalog names our object, or signs an address of its own copy."""
    url = info.get("TemplateUrl", "")
    if not url:
        raise Unread("no_address")
    place = objects.place_of(url, publisher.place.region, publisher.client("s3").meta.endpoint_url)
    return objects.fetch(url, publisher) if place.signed else objects.get(place, publisher)
