"""What a launch message says, after intake has checked it: the only shape in which facts enter the domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from approvals.choices import HoldKind, Kind, Verdict


@dataclass(frozen=True, slots=True)
class HoldFacts:
    """`url` is the capability itself; `repr` never shows it. `unusable` says why it must not be called."""

    kind: HoldKind
    url: str = field(repr=False)
    url_sha256: str
    dedupe_key: str
    expires_at: datetime | None
    handle: str
    wait: str
    timeout: int
    deadline: datetime
    unusable: str = ""
    request_id: str = ""
    physical_id: str = ""
    email_decisions: bool = False


@dataclass(frozen=True, slots=True)
class LaunchFacts:
    """One launch as CloudFormation told it to `notify`. `hold` is None for a Delete."""

    message_id: str
    stack_id: str
    stack_name: str
    account: str
    region: str
    gate: str
    fingerprint: str
    kind: Kind
    sent_at: datetime
    hold: HoldFacts | None
    has_receipt_gate: bool = False
    gates_updates: bool = False
    principal_arn: str = ""
    typed_email: str = ""
    product_id: str = ""
    version_id: str = ""
    portfolio_id: str = ""
    provisioned_product_id: str = ""
    provisioned_product_name: str = ""
    parameters: list[dict[str, Any]] = field(default_factory=list)
    template: dict[str, Any] = field(default_factory=dict)
    stack: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What a holder of a link and its code decided, as the approve function recorded and told it."""

    stack_id: str
    stack_name: str
    account: str
    region: str
    gate: str
    fingerprint: str
    verdict: Verdict
    by: str
    reason: str
    at: datetime
    unique_id: str
