"""What a request is found by: words in one form, the same on the row's side and on the searcher's.

Invariant: a term is never empty, at most 100 characters, storable, NFKC and casefolded; a request has at most 200.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from approvals.models import LaunchRequest

MOST_TERMS = 200
LONGEST = 100
# A parameter may be a whole script; people look for what stands at its beginning.
_VALUE = 1000
_EDGES = re.compile(r"^\W+|\W+$")
_BETWEEN = re.compile(r"[\W_]+")
# Written without spaces: every end of such a run is a term, so that any piece of it is found as a prefix.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]{2,40}")


def words(text: str) -> list[str]:
    """The words of a text as terms are written; what nobody sees is no part of them."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return [word for piece in folded.replace("/", " ").split() if (word := _EDGES.sub("", _visible(piece))[:LONGEST])]


def terms_of(request: LaunchRequest) -> list[str]:
    """Everything the request is found by, what names it first: its number is looked up without terms."""
    found = dict.fromkeys(term for text in _said(request) for word in words(text) for term in _with_parts(word))
    return list(found)[:MOST_TERMS]


def refill(requests: Iterable[LaunchRequest]) -> int:
    """Write the terms of these requests anew where they differ; returns how many did."""
    changed = []
    for request in requests:
        terms = terms_of(request)
        if terms != request.search_terms:
            request.search_terms = terms
            changed.append(request)
    LaunchRequest.objects.bulk_update(changed, ["search_terms"])
    return len(changed)


def _said(request: LaunchRequest) -> Iterator[str]:
    yield from (request.product_name, request.version_name, request.provisioned_product_name)
    if request.requester is not None:
        yield from (request.requester.name, request.requester.email)
    yield from (request.typed_email, request.principal_arn, request.updater_arn)
    yield from (request.stack_name, request.account, request.region)
    yield from (request.product_id, request.provisioned_product_id)
    for parameter in request.parameters:
        value = parameter.get("value")
        if isinstance(value, str) and not parameter.get("no_echo") and value.strip("*"):
            yield value[:_VALUE]


def _with_parts(word: str) -> Iterator[str]:
    """t3.micro → t3.micro, t3, micro."""
    yield word
    yield from (part for part in _BETWEEN.split(word) if len(part) > 1)
    for run in _UNSPACED.findall(word):
        yield from (run[start:] for start in range(1, len(run)))


def _visible(word: str) -> str:
    return "".join(char for char in word if not unicodedata.category(char).startswith("C"))
