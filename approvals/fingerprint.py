"""The fingerprint of a launch: what was shown is what is signed.

`lambdas/notify` computes it from what CloudFormation told it; the desk recomputes it here from what it stores.
Values enter as their own sha256, so a value too long to travel, and a wait URL that was wiped, still count.
Both implementations are held together by tests/vectors/fingerprint.json.
"""

from collections.abc import Mapping

from approvals.canonical import digest

VERSION = 1


def compute(
    *,
    stack_id: str,
    gate: str,
    url_sha256: str,
    parameters: Mapping[str, str],
    principal_arn: str,
    template_sha256: str,
) -> str:
    """64 hex digits. `parameters` maps a name to the sha256 of its value as CloudFormation shows it."""
    return digest(
        {
            "v": VERSION,
            "stack": stack_id,
            "gate": gate,
            "url": url_sha256,
            "parameters": dict(parameters),
            "principal": principal_arn,
            "template": template_sha256,
        }
    )
