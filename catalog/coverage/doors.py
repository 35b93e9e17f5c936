"""What is still open at a product: the versions that let a launch or an update go by, and how grave that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from catalog.coverage.verdicts import Verdict
from catalog.models import Product, Version


class Risk(models.IntegerChoices):
    """The gravest first. `look` and `icon` are those of its badge."""

    LAUNCH = 1, _("Launches without asking")
    UPDATE = 2, _("Updates without asking")
    PARTIAL = 3, _("Gated in part")
    ROLE = 4, _("Launch role lacks rights")
    UNREAD = 5, _("Not known")
    CLASSIC = 6, _("Gated, classic")
    RECEIPT = 7, _("Gated, with receipt")
    NONE = 8, _("Nothing to gate")

    @property
    def look(self) -> str:
        return _LOOKS.get(self, "quiet")

    @property
    def icon(self) -> str:
        return _ICONS.get(self, "info")

    @property
    def is_open(self) -> bool:
        """Something can be made that nobody was asked about."""
        return self <= Risk.PARTIAL

    @property
    def is_gated(self) -> bool:
        """Nothing is left to gate."""
        return self >= Risk.CLASSIC


_LOOKS = {
    Risk.LAUNCH: "bad",
    Risk.UPDATE: "wait",
    Risk.PARTIAL: "wait",
    Risk.ROLE: "wait",
    Risk.CLASSIC: "ask",
    Risk.RECEIPT: "good",
}
_ICONS = {
    Risk.LAUNCH: "alarm",
    Risk.UPDATE: "clock",
    Risk.PARTIAL: "alarm",
    Risk.ROLE: "lock",
    Risk.UNREAD: "question",
    Risk.CLASSIC: "shield",
    Risk.RECEIPT: "check",
}
_OF_VERDICT = {
    Verdict.PARTIAL: Risk.PARTIAL,
    Verdict.UPDATES_OPEN: Risk.UPDATE,
    Verdict.CLASSIC: Risk.CLASSIC,
    Verdict.RECEIPT: Risk.RECEIPT,
    Verdict.NO_STACK: Risk.NONE,
}


@dataclass(frozen=True, slots=True)
class Door:
    """`risk`: what goes by without asking. `close`: what to do, a sentence in the reader's language."""

    version: Version
    risk: Risk

    @property
    def close(self) -> str:
        return gettext(str(_closing(self.version)))


def risk_of(version: Version) -> Risk:
    """Of one version as it stands in the catalogue. Only an inactive one can neither be launched nor updated to."""
    if version.removed_at is not None or not version.active:
        return Risk.NONE
    verdict = Verdict(version.verdict) if version.verdict else Verdict.UNREAD
    if verdict.asks_nobody:
        return Risk.UPDATE if version.guidance == Version.DEPRECATED else Risk.LAUNCH
    return _OF_VERDICT.get(verdict, Risk.UNREAD)


def risk_of_product(product: Product, versions: Iterable[Version], *, role_lacks_rights: bool) -> Risk:
    """The gravest of its versions'. A role matters only where there is a gate that it has to call, and what was not
    read, or cannot be as AWS lists only so many versions, is not known."""
    if not product.launches_stacks:
        return Risk.NONE
    existing = list(versions)
    risks = [risk_of(version) for version in existing]
    is_gated = any(version.active and version.verdict and Verdict(version.verdict).is_gated for version in existing)
    if not product.versions_in or product.cut_off:
        risks.append(Risk.UNREAD)
    if role_lacks_rights and is_gated:
        risks.append(Risk.ROLE)
    return min(risks, default=Risk.NONE)


def open_doors(versions: Iterable[Version]) -> list[Door]:
    """The gravest first."""
    return sorted(_doors(versions), key=lambda door: door.risk)


def _doors(versions: Iterable[Version]) -> Iterator[Door]:
    for version in versions:
        risk = risk_of(version)
        if risk.is_open:
            yield Door(version, risk)


def _closing(version: Version) -> object:
    verdict = Verdict(version.verdict)
    if verdict.asks_nobody and version.guidance == Version.DEPRECATED:
        return _("Make it inactive: a deprecated version can still be updated to.")
    if verdict is Verdict.IMPOSSIBLE:
        return _("Wrap its template into a gated one, publish that, and make this version inactive.")
    if verdict is Verdict.UNGATED:
        return _("Publish a gated version, then make this one inactive. Deprecating it still allows updates.")
    if verdict is Verdict.PARTIAL:
        return _("Mend what is named beside the version, publish that as a new one, and make this one inactive.")
    return _("Gate it again with this release, publish that as a new version, and make this one inactive.")
