"""Searching by whole words and prefixes, with what PostgreSQL brings itself: a GIN index over lexemes."""

from __future__ import annotations

import re

from django.db.models import BooleanField, F, Func, Q, Value

from approvals.inbox.terms import words

MOST_WORDS = 8
_NUMBER = re.compile(r"(gh-?)?([0-9]{1,18})", re.ASCII)


class Matches(Func):
    """`array_to_tsvector(terms) @@ query`, in the form of the index `request_words`."""

    arity = 2
    template = "array_to_tsvector(%(expressions)s::tsquery"
    arg_joiner = ") @@ "
    output_field = BooleanField()


def search(text: str) -> Q | None:
    """Requests in which every word of the text is found; None where the text has no words. GH-1042 is the number
    of one request, 1042 may be as well."""
    found = words(text)[:MOST_WORDS]
    if not found:
        return None
    whole = Q()
    plain = []
    for word in found:
        number = _NUMBER.fullmatch(word)
        if number is None:
            plain.append(word)
        elif number[1]:
            whole &= Q(pk=int(number[2]))
        else:
            whole &= Q(pk=int(number[2])) | Q(_matches([word]))
    return whole & Q(_matches(plain)) if plain else whole


def number(text: str) -> int | None:
    """The number, where the text is the number of one request and nothing else: GH-1042, or 1042."""
    found = words(text)
    match = _NUMBER.fullmatch(found[0]) if len(found) == 1 else None
    return int(match[2]) if match else None


def _matches(found: list[str]) -> Matches:
    return Matches(F("search_terms"), Value(" & ".join(_prefix(word) for word in found)))


def _prefix(word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"
