"""What the parts of a gate are called (design §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

HANDLE = "AWS::CloudFormation::WaitConditionHandle"
REQUEST = "Custom::NotificationFunction"
WAIT = "AWS::CloudFormation::WaitCondition"
RECEIPT = "Custom::ApprovalReceipt"
NESTED = "AWS::CloudFormation::Stack"

# Stands for a gate's version where its own hash is taken.
UNKNOWN = "<v>"
# What the handle's Metadata says about the gate stands under this key.
RECORD = "Gatehouse"
_HANDLE_ID = re.compile(r"ApprovalHandle([0-9a-f]{10})\Z")


@dataclass(frozen=True, slots=True)
class Ids:
    """The logical ids of our gate of one version."""

    version: str
    classic: bool = False

    @property
    def handle(self) -> str:
        return f"ApprovalHandle{self.version}"

    @property
    def request(self) -> str:
        return f"ApprovalRequest{self.version}"

    @property
    def wait(self) -> str:
        return f"ApprovalWait{self.version}"

    @property
    def receipt(self) -> str:
        return f"ApprovalReceipt{self.version}"

    @property
    def all(self) -> tuple[str, ...]:
        three = (self.handle, self.request, self.wait)
        return three if self.classic else (*three, self.receipt)

    @property
    def release(self) -> str:
        """What everything else waits for."""
        return self.wait if self.classic else self.receipt


def version_in(logical_id: str) -> str:
    """The version in the id of a handle of ours; the empty string for other ids."""
    found = _HANDLE_ID.match(logical_id)
    return found[1] if found else ""
