"""What is wrong with a template, in one sentence."""

from __future__ import annotations


class BadTemplate(Exception):
    """The template cannot be used. The text is "name:line: what is wrong and what to do"."""

    def __init__(self, name: str, line: int, what: str) -> None:
        super().__init__(f"{name}:{line}: {what}")
        self.name, self.line, self.what = name, line, what


class CannotEdit(BadTemplate):
    """The template is in order, and written in a way that nothing can be put in at that place."""
