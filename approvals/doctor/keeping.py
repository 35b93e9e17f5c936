"""The last report, kept for the page: in the cache, so an old one may vanish and nothing depends on it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.cache import cache

from approvals.doctor.findings import Finding
from approvals.doctor.running import BUDGET_SECONDS, Report

# After this long no worker has taken the wish, or it died.
PATIENCE = timedelta(seconds=BUDGET_SECONDS + 40)
_REPORT, _ASKED = "doctor-report", "doctor-asked"
_KEPT_SECONDS = 30 * 24 * 3600


def keep(report: Report) -> None:
    findings = [finding.kept() for finding in report.findings]
    cache.set(_REPORT, {"at": report.at, "seconds": report.seconds, "findings": findings}, _KEPT_SECONDS)
    cache.delete(_ASKED)


def last() -> Report | None:
    kept = cache.get(_REPORT)
    if kept is None:
        return None
    findings = [Finding.from_kept(one) for one in kept["findings"]]
    return Report(kept["at"], kept["seconds"], findings)


def ask(now: datetime) -> bool:
    """Note that somebody wants a look; False while one is being waited for already."""
    since = asked()
    if since is not None and now - since < PATIENCE:
        return False
    cache.set(_ASKED, now, _KEPT_SECONDS)
    return True


def asked() -> datetime | None:
    """Since when a look is waited for; longer than `PATIENCE`: in vain."""
    found: datetime | None = cache.get(_ASKED)
    return found
