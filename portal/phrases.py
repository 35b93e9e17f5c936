"""Sentences that are made now and read later, by anybody in their own language: a msgid and its values.

To make one needs no settings and looks nothing up: what reads templates makes them and never shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from django.utils.translation import gettext


@dataclass(frozen=True, slots=True, init=False)
class Phrase:
    """`text`: a msgid with %(names)s of the facts; `manage.py translations` collects it where it is written.

    A list among the facts is joined as the reader's language does, and phrases among them are read in it too.
    """

    text: str
    facts: Mapping[str, Fact]

    def __init__(self, text: str, /, **facts: Fact) -> None:
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "facts", facts)

    def __str__(self) -> str:
        return filled(self.text, self.facts)

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_kept(cls, kept: str | Mapping[str, Any]) -> Self:
        """What `kept` gave. Plain text, as earlier releases kept it, is a value: it may hold anything."""
        if isinstance(kept, str):
            return cls("%(text)s", text=kept) if kept else cls("")
        return cls(kept["text"], **{name: fact_of(one) for name, one in kept["facts"].items()})


Fact = str | int | Phrase | Sequence[str | Phrase]


def recalled(kept: Any) -> Phrase | None:
    """What was kept of a phrase, or of none."""
    return Phrase.from_kept(kept) if kept else None


def fact_of(kept: Any) -> Any:
    """A fact as it was before it was kept."""
    if isinstance(kept, list):
        return [fact_of(one) for one in kept]
    return Phrase.from_kept(kept) if isinstance(kept, dict) else kept


def filled(text: str, facts: Mapping[str, Any]) -> str:
    """A msgid with its facts, in the reader's language. One kept by an earlier release may lack some: then as it
    stands."""
    words = gettext(text) if text else ""
    if not facts:
        return words
    try:
        return words % {name: joined(one) if isinstance(one, list | tuple) else one for name, one in facts.items()}
    except (KeyError, TypeError, ValueError):
        return words


def joined(values: Iterable[object]) -> str:
    """ "a, b", as the reader's language separates what it lists."""
    return gettext(", ").join(map(str, values))


def listed(names: Sequence[str], most: int) -> Fact:
    """Names in a phrase; of those beyond `most` only how many there are."""
    return shortened(names[:most], len(names) - most)


def shortened(names: Sequence[str], more: int) -> Fact:
    """Names in a phrase, when `more` were left out before."""
    return Phrase("%(names)s and %(more)d more", names=names, more=more) if more > 0 else names


def headed(head: object, words: object) -> str:
    """ "head: words", with the colon of the reader's language."""
    return f"{head}{gettext(': ')}{words}"
