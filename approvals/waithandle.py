"""Telling CloudFormation: one PUT of fixed bytes to the exact URL that it handed out.

Invariant: the URL is sent byte for byte as it was received (S3 signs it, aws-facts §1.3), only to a host
that `awsurls` allows at this very moment, without following a redirect, through no proxy, over verified
TLS; one try takes at most 60 seconds, and nothing is sent after that. The URL is a capability: it is in no
exception, no log line and no outcome. Of S3's error answers only the code is kept, because their text
quotes the request.
"""

from __future__ import annotations

import http.client
import io
import json
import re
import socket
import ssl
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from approvals.awsurls import unusable_reason
from approvals.choices import HoldKind, Verdict

TRY_SECONDS = 60.0
CONNECT_SECONDS = 5.0
ANSWER_BYTES = 16 * 1024
BODY_LIMIT = 4096
BODY_AIM = 2048
# However large the receipt: a person reads at least this much of the reason.
_REASON_FLOOR = 400
_ELLIPSIS = "…"

_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")
_RETRIED_STATUS = frozenset({408, 409, 425, 429})
# "Your socket connection to the server was not read from or written to within the timeout period" is a 400.
_RETRIED_CODES = frozenset({"RequestTimeout", "SlowDown", "InternalError", "OperationAborted", "ServiceUnavailable"})


@dataclass(frozen=True, slots=True)
class Stored:
    """S3 has it. Not that CloudFormation used it: only its events say that (aws-facts §1.3)."""

    code: str = "200"


@dataclass(frozen=True, slots=True)
class Retry:
    """Trouble that may pass. `after` is what the other side asked for, in seconds."""

    code: str
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Never:
    """No later try can succeed."""

    code: str


Outcome = Stored | Retry | Never


class TooLong(Exception):
    """The receipt leaves no room in the signal."""


def send(url: str, body: bytes, *, kind: HoldKind, stack_id: str) -> Outcome:
    """PUT `body` to `url`, which must belong to `stack_id`. Raises nothing for anything the network does."""
    if len(body) > BODY_LIMIT:
        return Never("body_too_long")
    if unusable_reason(url, kind=kind, stack_id=stack_id, dev_origin=settings.GATEHOUSE_DEV_WAIT_ORIGIN):
        return Never("url_refused")
    try:
        return _put(url, body, time.monotonic() + TRY_SECONDS)
    except TimeoutError:
        return Retry("timeout")
    except ssl.SSLError:
        return Retry("tls")
    except socket.gaierror:
        return Retry("dns")
    except OSError:
        return Retry("connection")
    except http.client.HTTPException:
        return Retry("half_answer")


def _put(url: str, body: bytes, deadline: float) -> Outcome:
    parts = urlsplit(url)
    connection = _connect(parts.scheme, parts.hostname or "", parts.port)
    try:
        connection.connect()
        connection.sock.settimeout(_left(deadline))
        connection.putrequest("PUT", _target(url), skip_accept_encoding=True)
        # Empty, not absent: what cfn-signal sends, and what a SigV2 signature demands.
        for name, value in (
            ("Content-Type", ""),
            ("Content-Length", str(len(body))),
            ("User-Agent", "gatehouse"),
            ("Connection", "close"),
        ):
            connection.putheader(name, value)
        connection.endheaders(body)
        return _answer(connection.sock, deadline)
    finally:
        connection.close()


def _connect(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=_tls())
    return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _target(url: str) -> str:
    """Everything after the authority, untouched: parsing and joining again would re-encode it."""
    _, _, rest = url.partition("://")
    return "/" + rest.partition("/")[2]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Answer(io.RawIOBase):
    """Reads a socket under one deadline for the whole answer and at most ANSWER_BYTES of it."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline
        self.seen = bytearray()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        room = min(len(buffer), ANSWER_BYTES - len(self.seen))
        if room <= 0:
            return 0
        self._sock.settimeout(_left(self._deadline))
        chunk = self._sock.recv(room)
        buffer[: len(chunk)] = chunk
        self.seen += chunk
        return len(chunk)

    def makefile(self, *_: object) -> io.BufferedReader:
        """What http.client asks a socket for."""
        return io.BufferedReader(self)


def _answer(sock: socket.socket, deadline: float) -> Outcome:
    raw = _Answer(sock, deadline)
    response = http.client.HTTPResponse(raw, method="PUT")  # type: ignore[arg-type]
    response.begin()
    text = response.read(BODY_LIMIT)
    if b"\r\n\r\n" not in raw.seen:
        raise http.client.IncompleteRead(b"")
    found = _CODE.search(text)
    code = found[1].decode() if found else ""
    return classify(response.status, code, text, response.getheader("Retry-After", ""))


def classify(status: int, code: str, text: bytes = b"", retry_after: str = "") -> Outcome:
    """S3's answer as an outcome (the table of aws-facts §1.3). `text` is only looked at, never kept."""
    if 200 <= status < 300:
        return Stored(str(status))
    name = f"{status} {code}".strip()
    if status in _RETRIED_STATUS or status >= 500 or code in _RETRIED_CODES:
        return Retry(name, after=float(retry_after) if re.fullmatch(r"[0-9]{1,6}", retry_after) else 0.0)
    if b"<Message>Request has expired</Message>" in text:
        return Never(f"{status} expired")
    return Never(name)


def signal_body(verdict: Verdict, *, unique_id: str, reason: str, receipt: str) -> bytes:
    """The JSON CloudFormation reads: ASCII, at most 4,096 bytes, 2,048 if the receipt leaves room for that.

    Only the reason is ever cut, and by its encoded length. Raises `TooLong` when the rest alone is too long.
    """
    return _fitted(
        {
            "Status": "SUCCESS" if verdict == Verdict.APPROVED else "FAILURE",
            "UniqueId": unique_id,
            "Reason": "",
            "Data": receipt,
        },
        reason,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """The request of CloudFormation that an answer is for; `physical_id` is what the resource is called now."""

    stack_id: str
    request_id: str
    logical_id: str
    physical_id: str


def answer_body(verdict: Verdict, asked: Asked, *, reason: str, fingerprint: str, receipt: str) -> bytes:
    """The answer to a custom-resource request (aws-facts §2): ASCII, at most 4,096 bytes.

    Approved, the resource becomes `gatehouse-<fingerprint>`; refused, it stays what it is. Raises `TooLong`.
    """
    approved = verdict == Verdict.APPROVED
    return _fitted(
        {
            "Status": "SUCCESS" if approved else "FAILED",
            "Reason": "",
            "PhysicalResourceId": f"gatehouse-{fingerprint}" if approved else asked.physical_id,
            "StackId": asked.stack_id,
            "RequestId": asked.request_id,
            "LogicalResourceId": asked.logical_id,
            "Data": {"Fingerprint": fingerprint, "Receipt": receipt} if approved else {},
        },
        reason,
    )


def _fitted(fields: dict[str, Any], reason: str) -> bytes:
    fixed = len(_encoded(fields))
    if fixed > BODY_LIMIT:
        raise TooLong
    return _encoded(fields | {"Reason": fit(reason, max(BODY_AIM - fixed, min(_REASON_FLOOR, BODY_LIMIT - fixed)))})


def fit(text: str, room: int) -> str:
    """One line of `text` whose JSON form, without quotes, takes at most `room` bytes; "…" says it was cut."""
    # A lone surrogate is no text and S3's reader may refuse its escape.
    line = " ".join(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())
    line = "".join(char for char in line if char.isprintable())
    if _length(line) <= room:
        return line
    room -= _length(_ELLIPSIS)
    if room < 0:
        return ""
    end = 0
    for char in line:
        room -= _length(char)
        if room < 0:
            break
        end += 1
    return line[:end].rstrip() + _ELLIPSIS


def _length(text: str) -> int:
    return len(json.dumps(text)) - 2


def _encoded(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode("ascii")
