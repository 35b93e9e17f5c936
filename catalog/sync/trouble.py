"""What AWS may answer instead, as far as a run goes on differently."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from catalog import aws

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"})
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_GONE = frozenset({"404", "NoSuchBucket", "NoSuchKey", "NoSuchVersion", "ResourceNotFoundException"})


class Trouble(Exception):
    """Reading cannot go on. `code` is kept and shown; AWS's own sentence may quote anything and is not."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Denied(Trouble):
    """The right `action` is missing."""

    def __init__(self, action: str) -> None:
        super().__init__(f"denied:{action}")


class Gone(Trouble):
    """It was deleted meanwhile."""


class Passing(Trouble):
    """Later it may go: throttled in spite of all tries, no answer, or AWS's own fault."""


def of_client(error: ClientError, action: str) -> Trouble:
    """`action`: what a policy would have to allow, service:Operation."""
    code = aws.code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _DENIED:
        return Denied(action)
    if code in _THROTTLED:
        return Passing("throttled")
    if code in _GONE:
        return Gone("gone")
    return Passing(f"aws:{code}") if status >= 500 else Trouble(f"aws:{code}")


def of_botocore(error: BotoCoreError) -> Trouble:
    if isinstance(error, aws.RoleRefused):
        return Trouble("role_refused")
    if isinstance(error, aws.NoReadingRole):
        return Trouble("not_listed")
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return Trouble("no_credentials")
    return Passing("no_answer")
