"""What is wrong with a template, in one sentence."""

from __future__ import annotations

from portal.phrases import Phrase


class BadTemplate(Exception):
    """The template cannot be used. `what`: what is wrong and what to do; the text is "name:line: what"."""

    def __init__(self, name: str, line: int, what: Phrase) -> None:
        super().__init__(name, line, what)
        self.name, self.line, self.what = name, line, what

    def __str__(self) -> str:
        return str(self.said)

    @property
    def said(self) -> Phrase:
        """With its place, to be kept and read in any language."""
        return placed(self.name, self.line, self.what)


class CannotEdit(BadTemplate):
    """The template is in order, and written in a way that nothing can be put in at that place."""


def placed(name: str, line: int, what: Phrase) -> Phrase:
    return Phrase("%(file)s:%(line)d: %(what)s", file=name, line=line, what=what)
