"""What AWS may answer instead, as far as a run goes on differently."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

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
# Who asks is not accepted: every other question would be answered so, too.
_UNACCEPTED = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
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


class General(Trouble):
    """Whatever is asked in this place is answered so."""


class Gone(Trouble):
    """It was deleted meanwhile."""


class Busy(Trouble):
    """Where this one thing is kept, AWS throttles in spite of all tries; others may be read."""


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
    if code in _UNACCEPTED:
        return General(f"aws:{code}")
    return Passing(f"aws:{code}") if status >= 500 else Trouble(f"aws:{code}")


def of_botocore(error: BotoCoreError) -> Trouble:
    if isinstance(error, aws.RoleRefused):
        return General("role_refused")
    if isinstance(error, aws.NoReadingRole):
        return General("not_listed")
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return General("no_credentials")
    if isinstance(error, ParamValidationError):
        # Nothing was sent: the client does not take an id or address of this shape.
        return Trouble("aws:ParamValidationError")
    return Passing("no_answer")
