"""Puts the gate into a template, or says why not.

The invariant: what leaves this module as gated was read again, holds every resource by `inspect`, and gives back the
original when the gate is taken out; anything else is refused.
"""

from __future__ import annotations

from catalog.gating.building import write
from catalog.gating.checking import CheckFailed, checked
from catalog.gating.checks import found_in
from catalog.gating.children import wrapped_sha256
from catalog.gating.errors import BadOption, NotGated
from catalog.gating.inspecting import inspect
from catalog.gating.notes import already, notes_of
from catalog.gating.options import Options
from catalog.gating.ours import ours_in, stripped
from catalog.gating.parts import sha256_of
from catalog.gating.recognising import gates_in
from catalog.gating.resources import resources
from catalog.gating.transforms import cannot_gate, hooks
from catalog.gating.upgrading import without_hand_made
from catalog.gating.verdict import Result, Verdict
from catalog.gating.wrapping import wrap
from catalog.templates import BadTemplate, CannotEdit, Document, read
from catalog.templates.document import LARGEST
from catalog.templates.errors import placed
from portal.phrases import Phrase


def gate(data: bytes, options: Options | None = None, name: str = "template") -> Result:
    """Gate a template. It never raises for what is wrong with a template: the verdict says so."""
    options = options or Options()
    try:
        return _gated(data, options, read(data, name))
    except BadTemplate as error:
        return Result(Verdict.REFUSED, why=error.said)
    except BadOption as error:
        return Result(Verdict.REFUSED, why=placed(name, 1, error.what))
    except (CheckFailed, ValueError, RecursionError) as error:
        what = Phrase(
            "The gated template failed its last check (%(found)s), so nothing was written. Gate it by hand.",
            found=error.found if isinstance(error, CheckFailed) else str(error),
        )
        return Result(Verdict.REFUSED, why=placed(name, 1, what))


def ungate(data: bytes, name: str = "template") -> tuple[bytes, bool]:
    """The template without our gate, and whether it is the original to the byte. Raises NotGated and BadTemplate."""
    doc = read(data, name)
    found = ours_in(doc)
    if not found:
        raise NotGated(f"{name}:1: It has no gate of Gatehouse to take out.")
    if wrapped_sha256(doc):
        raise NotGated(f"{name}:1: It wraps another template, which is the original: take it from its TemplateURL.")
    rest = stripped(doc)
    return rest.encode(rest.text), found[0].template == sha256_of(rest.text)


def _gated(data: bytes, options: Options, doc: Document) -> Result:
    if hook := hooks(doc):
        what = Phrase("It has a Hooks section (CodeDeploy blue/green): such a template takes no gate and no parent.")
        raise doc.bad(hook, what)
    rest = stripped(doc) if ours_in(doc) else doc
    has_gate = bool(gates_in({one.id: one for one in resources(rest) if not one.looped}))
    if has_gate and not options.upgrade:
        return _already(data, rest)
    if has_gate:
        rest = without_hand_made(rest)
    if reason := cannot_gate(rest):
        return _wrapped(rest, options, reason[0].line, reason[1], upgraded=has_gate)
    try:
        written = write(rest, options)
    except CannotEdit as error:
        return _wrapped(rest, options, error.line, error.what, upgraded=has_gate)
    if len(rest.encode(written.text)) > LARGEST:
        why = Phrase("With the gate it would have more than %(most)s bytes.", most=f"{LARGEST:,}")
        return _wrapped(rest, options, 1, why, upgraded=has_gate)
    output, after = checked(rest, written)
    verdict = Verdict.ALREADY if output == data else Verdict.GATED
    said = Phrase("It has this very gate.") if output == data else None
    return Result(verdict, output, said, notes_of(rest, after, written), written.ids.version, after.no_echo)


def _already(data: bytes, doc: Document) -> Result:
    """A gate of another hand is left as it is, whatever it holds."""
    found = inspect(doc)
    return Result(
        Verdict.ALREADY,
        data,
        already(found),
        notes_of(doc, found, None),
        no_echo=found.no_echo,
        findings=[*found_in(found, doc.name), *([str(found.cannot)] if found.cannot else [])],
    )


def _wrapped(doc: Document, options: Options, line: int, why: Phrase, *, upgraded: bool) -> Result:
    if options.wrap is None:
        way_out = Phrase(
            "%(why)s Wrap it: give --wrap the URL the template will have in your bucket, with {sha256} in its key and "
            "a versionId.",
            why=why,
        )
        raise BadTemplate(doc.name, line, way_out)
    if upgraded:
        by_hand = Phrase("%(why)s Take its gate written by hand out yourself, then wrap the template.", why=why)
        raise BadTemplate(doc.name, line, by_hand)
    parent = wrap(doc, options.wrap)
    try:
        written = write(parent.parent, options)
        output, after = checked(parent.parent, written)
    except BadTemplate as error:
        # Its line is one of the parent, which nobody has.
        both = Phrase("%(why)s And it cannot be wrapped: %(more)s", why=why, more=error.what)
        raise BadTemplate(doc.name, line, both) from None
    notes = [why, *parent.notes, *notes_of(parent.parent, after, written)]
    return Result(Verdict.WRAPPED, output, None, notes, written.ids.version, after.no_echo)
