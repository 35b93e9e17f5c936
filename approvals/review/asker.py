"""Who asks, as far as anybody can know, and where what was typed contradicts what AWS says."""

from __future__ import annotations

from approvals.choices import Kind
from approvals.models import LaunchRequest


def contradicted_by(launch: LaunchRequest) -> str:
    """Whom AWS names instead of the address that was typed; the empty string where nothing contradicts it.

    Only an address can contradict an address: a session called "build-42" says nothing of who typed. Of an update the
    typed address is the first launcher's unless it was typed anew, so only a named updater contradicts it.
    """
    known = _known_address(launch)
    typed = launch.typed_email.strip()
    return known if typed and known and typed.casefold() != known.casefold() else ""


def _known_address(launch: LaunchRequest) -> str:
    if launch.requester_verified and launch.requester is not None:
        return launch.requester.email
    if launch.kind != Kind.LAUNCH:
        return ""
    name = launch.principal_arn.rpartition("/")[2]
    return name if "@" in name else ""
