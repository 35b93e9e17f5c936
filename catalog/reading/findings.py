"""What a rule found in a template, in words that every reader gets in their own language.

A finding holds the sentence's msgid and its values, so it can be kept and shown later to anybody. Of values that
are secrets it never holds more than the name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal import phrases
from portal.phrases import Fact, fact_of, filled

# A sentence is read by people; a list of values in it ends here.
_LISTED = 8


class Risk(models.TextChoices):
    """From the gravest to the lightest; `look` and `icon` are those of a badge."""

    HIGH = "high", _("High risk")
    MEDIUM = "medium", _("Medium risk")
    LOW = "low", _("Low risk")

    @property
    def rank(self) -> int:
        return list(Risk).index(self)

    @property
    def look(self) -> str:
        return {"high": "bad", "medium": "wait"}.get(self.value, "quiet")

    @property
    def icon(self) -> str:
        return {"high": "alarm", "medium": "question"}.get(self.value, "info")

    def lighter(self) -> Risk:
        """One step down, where something limits the risk."""
        return list(Risk)[min(self.rank + 1, len(Risk) - 1)]


@dataclass(frozen=True, slots=True)
class Finding:
    """`title` and `sentence` are msgids, the sentence with %(names)s of the facts. `resources` are logical ids.

    `sure` is false where it depends on what is not known: a rule then says that it may be so.
    """

    code: str
    risk: Risk
    title: str
    sentence: str
    resources: tuple[str, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)
    sure: bool = True

    @property
    def heading(self) -> str:
        return gettext(self.title)

    @property
    def said(self) -> str:
        """The sentence with its facts. One kept by an earlier release may lack some: then as it stands."""
        return filled(self.sentence, self.facts)

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self) | {"risk": self.risk.value}

    @classmethod
    def from_kept(cls, kept: dict[str, Any]) -> Finding:
        facts = {name: fact_of(one) for name, one in kept["facts"].items()}
        return cls(**kept | {"risk": Risk(kept["risk"]), "resources": tuple(kept["resources"]), "facts": facts})


def listed(values: list[str]) -> Fact:
    """Values in a sentence, each once, in their order."""
    return phrases.listed(list(dict.fromkeys(values)), _LISTED)


def gathered(findings: list[Finding]) -> list[Finding]:
    """The gravest first; the same said of several resources is said once."""
    together: dict[tuple[object, ...], Finding] = {}
    for one in findings:
        key = (one.code, one.risk, one.sentence, one.sure, repr(sorted(one.facts.items())))
        known = together.get(key)
        names = (*known.resources, *one.resources) if known else one.resources
        together[key] = replace(one, resources=tuple(dict.fromkeys(names)))
    return sorted(together.values(), key=lambda one: (one.risk.rank, not one.sure, one.code, one.resources))
