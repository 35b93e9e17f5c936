"""Which URLs the desk may call for a stack, when they die, how one wait is recognised (aws-facts §1.2, §2).

The invariant: a URL is usable only if its host is, letter for letter, CloudFormation's own bucket in the
partition and region of the stack, over https, and its path names exactly that stack. Everything here is pure;
intake asks before it stores a URL and the signal's sender asks again before it calls one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from django.utils.translation import gettext_noop as _

from approvals.choices import HoldKind

MAX_LENGTH = 8192
MARGIN = timedelta(minutes=5)
MARGIN_SHARE = 0.05

TOO_LONG = _("The URL is longer than 8192 characters.")
BAD_CHARACTERS = _("The URL contains characters that no URL of CloudFormation has.")
NOT_HTTPS = _("The URL is not an https URL.")
FOREIGN_HOST = _("The URL's host is not CloudFormation's in the region of the stack.")
OTHER_STACK = _("The URL's path does not name this stack.")
OTHER_REQUEST = _("The URL is not the one for the answer to this request of CloudFormation.")
NO_STACK = _("The message names no CloudFormation stack.")

# RFC 3986 without "#" (no fragment), "[" and "]" (no address literals).
_URL = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=%]+")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_STACK = re.compile(
    r"arn:(?P<partition>aws|aws-cn|aws-us-gov):cloudformation:(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2})"
    r":(?P<account>[0-9]{12}):stack/(?P<name>[A-Za-z][A-Za-z0-9-]{0,127})/[A-Za-z0-9-]{1,64}"
)
_REGIONS = {
    "aws": re.compile(r"(?!cn-|us-gov-|us-iso|eu-iso|[a-z]{2}-iso)[a-z].*"),
    "aws-cn": re.compile(r"cn-.*"),
    "aws-us-gov": re.compile(r"us-gov-.*"),
}
# Host endings seen per partition: legacy global, legacy dash and today's dot form (aws-facts §1.2).
_HOSTS = {
    "aws": (".s3.amazonaws.com", ".s3-{region}.amazonaws.com", ".s3.{region}.amazonaws.com"),
    "aws-cn": (".s3.{region}.amazonaws.com.cn",),
    "aws-us-gov": (".s3-{region}.amazonaws.com", ".s3.{region}.amazonaws.com"),
}
# What follows the stack's ARN: `/[guid/]HandleLogicalId`, or `|LogicalId|RequestId`.
_REST = {
    HoldKind.WAIT_HANDLE: re.compile(r"(?:/[A-Za-z0-9-]{1,255}){1,2}"),
    HoldKind.RESPONSE: re.compile(r"\|[A-Za-z0-9]{1,255}\|[A-Za-z0-9-]{1,128}"),
}


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts of a stack's ARN."""

    partition: str
    region: str
    account: str
    name: str


def stack_of(stack_id: str) -> Stack | None:
    """The parts of a StackId, or None for anything that is not the ARN of a stack in a partition we know."""
    found = _STACK.fullmatch(stack_id)
    if not found or not _REGIONS[found["partition"]].fullmatch(found["region"]):
        return None
    return Stack(**found.groupdict())


def unusable_reason(url: str, *, kind: HoldKind, stack_id: str, dev_origin: str = "") -> str:
    """Why `url` must not be called for `stack_id`; the empty string when it may be.

    `dev_origin` is one exact extra origin (`scheme://host:port`) for development, where the bucket is the
    first part of the path. The sentence never contains the URL.
    """
    stack = stack_of(stack_id)
    if stack is None:
        return NO_STACK
    if len(url) > MAX_LENGTH:
        return TOO_LONG
    if not _URL.fullmatch(url) or _BROKEN_ESCAPE.search(url):
        return BAD_CHARACTERS
    bucket = _bucket(kind, stack.region)
    try:
        parts = urlsplit(url)
    except ValueError:
        return BAD_CHARACTERS
    if dev_origin and f"{parts.scheme}://{parts.netloc}" == dev_origin:
        prefix = f"/{bucket}/"
    elif parts.scheme != "https":
        return NOT_HTTPS
    elif parts.netloc.removesuffix(":443") not in _hosts(bucket, stack):
        return FOREIGN_HOST
    else:
        prefix = "/"
    return "" if _names(parts.path, prefix + stack_id, kind) else OTHER_STACK


def answers(url: str, logical_id: str, request_id: str) -> bool:
    """Whether a response URL is the one of this very request of CloudFormation (aws-facts §2)."""
    return unquote(url.partition("?")[0]).endswith(f"|{logical_id}|{request_id}")


def signed_at(url: str) -> datetime | None:
    """When a presigned URL was made by its own words (SigV4 query); None when it does not say."""
    try:
        (date,) = parse_qs(urlsplit(url).query, max_num_fields=50)["X-Amz-Date"]
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None


def expiry(url: str) -> datetime | None:
    """When a presigned URL dies by its own words (SigV4 or SigV2 query); None when it does not say."""
    try:
        query = parse_qs(urlsplit(url).query, max_num_fields=50)
        if "X-Amz-Date" in query:
            (seconds,), signed = query["X-Amz-Expires"], signed_at(url)
            # S3 signs for a week at most.
            return signed + timedelta(seconds=int(seconds)) if signed and 0 < int(seconds) <= 604800 else None
        (epoch,) = query["Expires"]
        return datetime.fromtimestamp(int(epoch), tz=UTC) if re.fullmatch(r"[0-9]{9,10}", epoch) else None
    except (KeyError, ValueError, OverflowError):
        return None


def deadline(*, started: datetime, timeout: int, expires_at: datetime | None) -> datetime:
    """Until when a decision can still reach CloudFormation.

    The earlier of the URL's death and the wait's end (`started` + `timeout` seconds), less a margin: five
    minutes or 5 % of the window, whichever is shorter.
    """
    end = started + timedelta(seconds=timeout)
    if expires_at is not None:
        end = min(end, expires_at)
    window = max(end - started, timedelta(0))
    return end - min(MARGIN, window * MARGIN_SHARE)


def dedupe_key(stack_id: str, url: str) -> str:
    """One wait, however often it is announced (aws-facts §10.6): the object the URL writes to.

    A new signature, another escape of the same path, or another resource that announces it is no new wait.
    """
    path = unquote(url.partition("?")[0].partition("://")[2].partition("/")[2]) or url
    return hashlib.sha256(f"{stack_id}|{path}".encode(errors="replace")).hexdigest()


def _bucket(kind: HoldKind, region: str) -> str:
    if kind == HoldKind.RESPONSE:
        return f"cloudformation-custom-resource-response-{region.replace('-', '')}"
    return f"cloudformation-waitcondition-{region}"


def _hosts(bucket: str, stack: Stack) -> frozenset[str]:
    return frozenset(bucket + ending.format(region=stack.region) for ending in _HOSTS[stack.partition])


def _names(path: str, start: str, kind: HoldKind) -> bool:
    decoded = unquote(path)
    return decoded.startswith(start) and _REST[kind].fullmatch(decoded.removeprefix(start)) is not None
