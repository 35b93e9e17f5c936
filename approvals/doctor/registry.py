"""All checks there are: every module of `approvals.doctor.checks` is imported and its decorated functions found.

To add one, write a function into a module there (or a new module):

    @check("code", Severity.WARNING, title=_("…"), why=_("…"), remedy=_("…"))
    def code(visit: Visit) -> Iterator[Problem]:
        if something_is_wrong:
            yield problem(_("Seen: %(what)s."), what=…, about=arn)

and its entry in docs/operations.md. Yielding nothing means that all is well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from approvals.doctor.findings import Finding, Problem, Severity
from approvals.doctor.visit import Visit

Look = Callable[[Visit], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Check:
    """`title` (what is looked at), `why` and `remedy` are msgids. `everywhere`: also in every other place with
    gates that the desk may read."""

    code: str
    severity: Severity
    title: str
    why: str
    remedy: str
    look: Look
    everywhere: bool = False

    def finding(self, found: Problem) -> Finding:
        return Finding(
            self.code,
            found.severity or self.severity,
            self.title,
            found.seen,
            self.why,
            found.remedy or self.remedy,
            found.facts,
            found.about,
        )

    def in_order(self, about: str = "") -> Finding:
        return Finding(self.code, Severity.OK, self.title, "", self.why, self.remedy, about=about)


_checks: dict[str, Check] = {}


def check(
    code: str, severity: Severity, *, title: str, why: str, remedy: str, everywhere: bool = False
) -> Callable[[Look], Look]:
    """`severity` is that of its problems unless they say another."""

    def register(look: Look) -> Look:
        if code in _checks:
            raise ValueError(f"two checks are called {code}")
        _checks[code] = Check(code, severity, title, why, remedy, look, everywhere)
        return look

    return register


@cache
def checks() -> dict[str, Check]:
    """Every check by its code."""
    from approvals.doctor import checks as package

    for module in sorted(module.name for module in iter_modules(package.__path__)):
        import_module(f"{package.__name__}.{module}")
    # In the order of the modules, whichever was imported first.
    return dict(sorted(_checks.items(), key=lambda item: item[1].look.__module__))
