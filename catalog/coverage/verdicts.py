"""What a version's gate is worth: pure rules over facts, each with the reasons for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog import partitions
from catalog.coverage.analysis import Analysis, Call
from catalog.coverage.reasons import Because, Reason
from catalog.coverage.tokens import resolved
from catalog.gating import Inspection, Part


class Verdict(models.TextChoices):
    """`look` and `icon` as in approvals.choices: colour and sign of its badge."""

    UNGATED = "ungated", _("Not gated")
    IMPOSSIBLE = "impossible", _("Cannot be gated")
    PARTIAL = "partial", _("Gated in part")
    UPDATES_OPEN = "updates_open", _("Updates not gated")
    CLASSIC = "classic", _("Gated, classic")
    RECEIPT = "receipt", _("Gated, with receipt")
    UNREAD = "unread", _("Not known")
    NO_STACK = "no_stack", _("Launches no stack")

    @property
    def look(self) -> str:
        return _LOOKS.get(self, "quiet")

    @property
    def icon(self) -> str:
        return _ICONS.get(self, "info")

    @property
    def is_gated(self) -> bool:
        """There is a gate, whatever it lets through."""
        return self in (Verdict.PARTIAL, Verdict.UPDATES_OPEN, Verdict.CLASSIC, Verdict.RECEIPT)

    @property
    def is_whole(self) -> bool:
        """There is a gate, and it lets nothing through."""
        return self in (Verdict.CLASSIC, Verdict.RECEIPT)

    @property
    def asks_nobody(self) -> bool:
        return self in (Verdict.UNGATED, Verdict.IMPOSSIBLE)


_LOOKS = {
    Verdict.UNGATED: "bad",
    Verdict.IMPOSSIBLE: "bad",
    Verdict.PARTIAL: "wait",
    Verdict.UPDATES_OPEN: "wait",
    Verdict.CLASSIC: "ask",
    Verdict.RECEIPT: "good",
}
_ICONS = {
    Verdict.UNGATED: "alarm",
    Verdict.IMPOSSIBLE: "alarm",
    Verdict.PARTIAL: "alarm",
    Verdict.UPDATES_OPEN: "clock",
    Verdict.CLASSIC: "shield",
    Verdict.RECEIPT: "check",
    Verdict.UNREAD: "question",
}

_OPENED = {Part.TOKEN: Because.CALL_OPEN, Part.COUNT: Because.COUNT_OPEN, Part.CONDITION: Because.CONDITION_OPEN}


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one version, where its product is. `unread`: why there is no template, a code of catalog.sync.problems.

    `twins`: other versions, of another template, whose gate has the same logical ids.
    """

    launches_stacks: bool
    account: str
    region: str
    analysis: Analysis | None = None
    unread: str = ""
    has_template: bool = False
    twins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The reasons of the verdict first, then what else is to be known."""

    verdict: Verdict
    reasons: list[Reason] = field(default_factory=list)


def judge(facts: Facts) -> Judgement:
    if not facts.launches_stacks:
        return Judgement(Verdict.NO_STACK, [Reason(Because.NO_STACK)])
    analysis = facts.analysis
    if analysis is None:
        because = Because.NOT_ANALYSED if facts.has_template else Because.NOT_READ
        return Judgement(Verdict.UNREAD, [Reason(because, about=facts.unread)])
    if analysis.bad:
        return Judgement(Verdict.UNREAD, [Reason(Because.NOT_UNDERSTOOD, about=analysis.bad)])
    found = analysis.inspection
    if not found.gates:
        return _without_gate(found)
    partly = [*_leaks(found), *_openings(found), *_wrong_calls(facts, analysis), *_loose_children(analysis)]
    is_classic = not all(gate.kind == "receipt" for gate in found.gates)
    updates = [*_same_gates(facts, found), *([] if is_classic else _unheld(found))]
    verdict = Verdict.CLASSIC if is_classic else Verdict.RECEIPT
    if partly or updates:
        verdict = Verdict.PARTIAL if partly else Verdict.UPDATES_OPEN
    classic = [Reason(Because.CLASSIC)] if is_classic else []
    return Judgement(verdict, [*partly, *updates, *classic, *_notes(facts, analysis)])


def _without_gate(found: Inspection) -> Judgement:
    if found.cannot:
        return Judgement(Verdict.IMPOSSIBLE, [Reason(Because.CANNOT, about=found.cannot)])
    return Judgement(Verdict.UNGATED, [Reason(Because.NO_GATE)])


def _leaks(found: Inspection) -> Iterator[Reason]:
    for why in dict.fromkeys(leak.why for leak in found.leaks):
        names = [f"{leak.logical_id} ({leak.type})".removesuffix(" ()") for leak in found.leaks if leak.why is why]
        yield Reason.naming(Because.LEAK, names, about=why.value)


def _openings(found: Inspection) -> Iterator[Reason]:
    for one in found.openings:
        if one.part is Part.SIGNAL:
            yield Reason.naming(Because.SIGNAL_OPEN, [one.logical_id])
        else:
            yield Reason.naming(_OPENED.get(one.part, Because.GATE_OPEN), one.parameters, about=one.logical_id)


def _wrong_calls(facts: Facts, analysis: Analysis) -> Iterator[Reason]:
    """One reason a call: of all it may call, a function that is not ours is the worst."""
    for call in analysis.calls:
        tokens = [resolved(token, facts.account, facts.region) for token in call.tokens]
        wrong = [one for one in tokens if one is not None and not is_ours(one, call, facts.account, facts.region)]
        if foreign := next(filter(None, wrong), ""):
            yield Reason(Because.CALL_FOREIGN, [call.logical_id], about=foreign)
        elif wrong:
            yield Reason(Because.CALL_MISSING, [call.logical_id])


def is_ours(token: str, call: Call, account: str, region: str) -> bool:
    """Whether it names the function of Gatehouse that this resource has to call, in this place."""
    parts = token.split(":")
    ours = ["arn", partitions.of_region(region).name, "lambda", region, account, "function", call.function]
    return parts[:7] == ours


def _loose_children(analysis: Analysis) -> Iterator[Reason]:
    if analysis.loose:
        yield Reason.naming(Because.CHILD, analysis.loose)


def _same_gates(facts: Facts, found: Inspection) -> Iterator[Reason]:
    """Updates to another version that replace no handle, so that nobody is asked: of classic gates as well."""
    if found.is_stale:
        yield Reason(Because.STALE)
    if facts.twins:
        yield Reason.naming(Because.SAME_GATE, facts.twins)


def _unheld(found: Inspection) -> Iterator[Reason]:
    """Changes of parameters alone that a gate with a receipt lets by."""
    if not all(gate.gate_updates for gate in found.gates):
        yield Reason(Because.UPDATES_OFF)
    elif found.not_fed:
        yield Reason.naming(Because.NOT_FED, found.not_fed)


def _notes(facts: Facts, analysis: Analysis) -> Iterator[Reason]:
    found = analysis.inspection
    unknown = [one.logical_id for one in analysis.calls if None in one.tokens]
    if unknown:
        yield Reason.naming(Because.CALL_UNKNOWN, unknown)
    if found.needed_by_gate:
        yield Reason.naming(Because.NEEDED, found.needed_by_gate)
    if found.no_echo:
        yield Reason.naming(Because.NO_ECHO, found.no_echo)
