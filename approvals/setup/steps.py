"""What a step of the first run is: how it stands, what was seen, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.choices import Look


class Standing(models.TextChoices):
    DONE = "done", _("Done")
    TODO = "todo", _("To do")
    UNKNOWN = "unknown", _("Cannot be told")

    @property
    def look(self) -> Look:
        return {"done": Look.GOOD, "todo": Look.WAIT}.get(self.value, Look.QUIET)

    @property
    def icon(self) -> str:
        return {"done": "check", "todo": "hourglass"}.get(self.value, "question")


@dataclass(frozen=True, slots=True)
class Step:
    """`seen`: sentences; `todo` and what follows say what to do while it is not done. `commands` are for a shell where
    the desk runs; `links` are (label, URL); `action` is a form of the page: "check" or "mail"."""

    code: str
    title: str
    why: str
    standing: Standing
    seen: tuple[str, ...] = ()
    todo: str = ""
    commands: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    action: str = ""

    @property
    def is_done(self) -> bool:
        return self.standing is Standing.DONE
