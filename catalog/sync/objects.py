"""Objects of S3 by the addresses AWS gives for templates. Whatever an address says, only S3 is asked."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from botocore.exceptions import BotoCoreError

from catalog import partitions
from catalog.sync.reading import Reader
from catalog.sync.trouble import Busy, of_botocore
from catalog.templates.document import LARGEST

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_SIGNED = frozenset({"X-Amz-Signature", "Signature"})
# S3 throttles by bucket and prefix. Seconds before each further try.
_PAUSES = (0.5, 2.0)
_THROTTLED = (429, 500, 503)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class Unread(Exception):
    """A template cannot be read; `code` says why, see catalog.sync.problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """`signed`: the address opens it by itself. `is_amazons`: at S3's own hosts, not at an imitation."""

    bucket: str
    key: str
    version: str
    signed: bool
    is_amazons: bool


def place_of(url: str, region: str, endpoint: str) -> ObjectPlace:
    """Where an object is: at Amazon S3 in the region's partition, or at the S3 our client talks to (`endpoint`).

    Raises Unread for every other address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unread("elsewhere") from None
    host = (parts.hostname or "").rstrip(".")
    found = _amazon(region).fullmatch(host)
    amazons = bool(found) and parts.scheme == "https" and port in (None, 443) and parts.username is None
    if not amazons and not _is_at(endpoint, parts):
        raise Unread("elsewhere")
    path = unquote(parts.path).removeprefix("/")
    bucket, key = (found["bucket"], path) if found and found["bucket"] else path.partition("/")[::2]
    if not _BUCKET.fullmatch(bucket) or not key:
        raise Unread("elsewhere")
    query = parse_qs(parts.query)
    return ObjectPlace(bucket, key, query.get("versionId", [""])[0], amazons and bool(_SIGNED & query.keys()), amazons)


def _amazon(region: str) -> re.Pattern[str]:
    suffix = re.escape(partitions.of_region(region).suffix)
    return re.compile(rf"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.{suffix}")


def _is_at(endpoint: str, parts: SplitResult) -> bool:
    """Whether an address is at the S3 that AWS_ENDPOINT_URL names; then no request leaves for anywhere else."""
    there = urlsplit(endpoint)
    return not (there.hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")) and (
        (there.scheme, there.hostname, there.port) == (parts.scheme, parts.hostname, parts.port)
    )


def get(place: ObjectPlace, reader: Reader) -> bytes:
    """As the place's role. Raises Trouble, and Unread for what is too large."""
    version = {"VersionId": place.version} if place.version else {}
    answer = reader.ask("s3", "get_object", Bucket=place.bucket, Key=place.key, **version)
    with answer["Body"] as stream:
        if answer.get("ContentLength", 0) > LARGEST:
            raise Unread("too_large")
        try:
            content: bytes = stream.read(LARGEST + 1)
        except BotoCoreError as error:
            raise of_botocore(error) from None
    return _small(content)


def fetch(url: str, reader: Reader) -> bytes:
    """Without credentials, at Amazon S3 only (`place_of` said so). Raises Unread, and Busy when throttled every time.

    The address may be presigned and is in no error.
    """
    for pause in (0.0, *_PAUSES):
        time.sleep(pause)
        content = _fetched(url, reader)
        if content is not None:
            return content
    raise Busy("throttled")


def _fetched(url: str, reader: Reader) -> bytes | None:
    """None when throttled."""
    reader.count()
    try:
        answer = pool(proxy_for(url)).request("GET", url, redirect=False, preload_content=False, decode_content=True)
        try:
            return _body(answer)
        finally:
            answer.release_conn()
    except (urllib3.exceptions.HTTPError, ValueError):
        # Also where what the environment names is no proxy.
        raise Unread("no_answer") from None


def proxy_for(url: str) -> str:
    """The proxy that the environment names for an address, as botocore reads it; empty where none is to be asked."""
    parts = urlsplit(url)
    proxy = "" if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme, "")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


@lru_cache(maxsize=8)
def pool(proxy: str) -> urllib3.PoolManager:
    """Raises urllib3's errors for a proxy that is none."""
    how: dict[str, Any] = {
        "maxsize": 8,
        "timeout": urllib3.Timeout(connect=3, read=10),
        "retries": False,
        "cert_reqs": "CERT_REQUIRED",
        # As botocore does: a proxy may speak TLS with a certificate of the company's.
        "ca_certs": os.environ.get("AWS_CA_BUNDLE") or None,
    }
    if not proxy:
        return urllib3.PoolManager(**how)
    who = urlsplit(proxy)
    login = f"{unquote(who.username)}:{unquote(who.password or '')}" if who.username else None
    return urllib3.ProxyManager(proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=login), **how)


def _body(answer: BaseHTTPResponse) -> bytes | None:
    if answer.status in _THROTTLED:
        return None
    if answer.status != 200:
        raise Unread(f"http:{answer.status}")
    return _small(answer.read(LARGEST + 1))


def _small(content: bytes) -> bytes:
    if len(content) > LARGEST:
        raise Unread("too_large")
    return content
