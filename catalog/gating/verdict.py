"""What became of a template that should be gated."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from portal.phrases import Phrase


class Verdict(StrEnum):
    GATED = "gated"
    WRAPPED = "wrapped"
    REFUSED = "refused"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Result:
    """`output`: the gated template's bytes, None if refused. `why`: why it was refused or was gated already.

    `findings`: what a template that has a gate already does not hold, as "name:line: sentence", in English; empty where
    all is well.
    `version`: the gate's `<v>`. `no_echo`: the NoEcho parameters whose change alone the gate cannot see.
    """

    verdict: Verdict
    output: bytes | None = None
    why: Phrase | None = None
    notes: list[Phrase] = field(default_factory=list)
    version: str = ""
    no_echo: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """`why` in the reader's language; empty without one."""
        return str(self.why or "")
