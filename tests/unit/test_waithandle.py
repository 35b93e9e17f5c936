import json
import logging
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals import waithandle
from approvals.choices import HoldKind, Verdict
from approvals.waithandle import Never, Retry, Stored
from tests.support.listener import OK, Listener, drip, reset, s3_error, stall

STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/SC-111122223333-pp-abc/0000-11"
# Everything a parser would like to tidy: mixed case escapes, %7E, empty values, a plus, doubled slashes encoded.
QUERY = "X-Amz-Date=20260101T000000Z&X-Amz-Security-Token=IQoJ%2b%2F%7e+x%3D%3d&b=&a=2&X-Amz-Signature=s3cr3t"
BODY = b'{"Status":"SUCCESS"}'
Put = Callable[..., waithandle.Outcome]


def url_at(origin: str) -> str:
    return f"{origin}/cloudformation-waitcondition-us-east-1/{quote(STACK, safe='')}/ApprovalHandle?{QUERY}"


@pytest.fixture
def put(settings: Any) -> Put:
    def send(listener: Listener, body: bytes = BODY) -> waithandle.Outcome:
        settings.GATEHOUSE_DEV_WAIT_ORIGIN = listener.origin
        return waithandle.send(url_at(listener.origin), body, kind=HoldKind.WAIT_HANDLE, stack_id=STACK)

    return send


def test_url_travels_byte_for_byte_with_an_empty_content_type(put: Put) -> None:
    with Listener() as far:
        assert put(far) == Stored("200")
    (request,) = far.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"PUT {url_at(far.origin).removeprefix(far.origin)} HTTP/1.1"
    assert lines[1] == f"Host: {far.origin.removeprefix('http://')}"
    assert "Content-Type: " in lines
    assert f"Content-Length: {len(BODY)}" in lines
    assert not [line for line in lines if line.lower().startswith(("accept", "transfer-encoding", "expect"))]
    assert body == BODY


def test_environment_cannot_put_a_proxy_in_between(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Listener() as far:
        assert put(far) == Stored("200")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(put: Put, status: int) -> None:
    with Listener() as elsewhere:
        answer = f"HTTP/1.1 {status} Moved\r\nLocation: {url_at(elsewhere.origin)}\r\nContent-Length: 0\r\n\r\n"
        with Listener(answer.encode()) as far:
            assert put(far) == Never(str(status))
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (s3_error("403 Forbidden", "AccessDenied", "Request has expired"), Never("403 expired")),
        (s3_error("403 Forbidden", "AccessDenied", "Access Denied"), Never("403 AccessDenied")),
        (s3_error("400 Bad Request", "ExpiredToken", "The provided token has expired."), Never("400 ExpiredToken")),
        (s3_error("403 Forbidden", "SignatureDoesNotMatch"), Never("403 SignatureDoesNotMatch")),
        (s3_error("403 Forbidden", "InvalidAccessKeyId"), Never("403 InvalidAccessKeyId")),
        (s3_error("404 Not Found", "NoSuchBucket"), Never("404 NoSuchBucket")),
        (s3_error("400 Bad Request", "RequestTimeout"), Retry("400 RequestTimeout")),
        (s3_error("500 Internal Server Error", "InternalError"), Retry("500 InternalError")),
        (s3_error("503 Slow Down", "SlowDown"), Retry("503 SlowDown")),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", Retry("502")),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", Retry("504")),
        (b"HTTP/1.1 408 Request Timeout\r\n\r\n", Retry("408")),
        (b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\n\r\n", Retry("429", after=7.0)),
        (b"HTTP/1.1 429 Too Many\r\nRetry-After: Wed, 01 Jan 2026 00:00:00 GMT\r\n\r\n", Retry("429")),
        (b"HTTP/1.1 410 Gone\r\n\r\n", Never("410")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Stored("204")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", Retry("half_answer")),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Retry("half_answer")),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", Retry("half_answer")),
        (b"", Retry("connection")),
        (reset, Retry("connection")),
    ],
)
def test_answers_are_told_apart(put: Put, answer: Any, outcome: waithandle.Outcome) -> None:
    with Listener(answer) as far:
        assert put(far) == outcome


@pytest.mark.parametrize("answer", [stall, drip(0.5)])
def test_whole_try_ends_in_time_however_slowly_the_answer_comes(
    put: Put, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(waithandle, "TRY_SECONDS", 0.4)
    with Listener(answer) as far:
        began = time.monotonic()
        assert put(far) == Retry("timeout")
    assert time.monotonic() - began < 8


def test_endless_answer_is_read_only_a_little(put: Put) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(OK.replace(b"Content-Length: 0\r\n", b""))
        while True:
            connection.sendall(b"x" * 65536)

    with Listener(pour) as far:
        assert put(far) == Stored("200")


def test_endless_headers_are_read_only_a_little(put: Put) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: more\r\n" * 100)

    with Listener(pour) as far:
        assert put(far) == Retry("half_answer")


def test_connection_that_is_refused_is_tried_again(put: Put) -> None:
    far = Listener()
    far.__exit__()
    assert put(far) == Retry("connection")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (socket.gaierror(-2, "unknown"), "dns"),
        (ssl.SSLCertVerificationError("bad"), "tls"),
        (TimeoutError(), "timeout"),
    ],
)
def test_trouble_on_the_way_is_tried_again(put: Put, monkeypatch: pytest.MonkeyPatch, error: Any, code: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    assert put(Listener()) == Retry(code)


def test_tls_is_verified() -> None:
    context = waithandle._tls()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize(
    "url",
    [
        "http://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/x",
        "https://evil.example/x",
        url_at("https://cloudformation-waitcondition-eu-west-3.s3.eu-west-3.amazonaws.com"),
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ],
)
def test_foreign_url_is_never_called(settings: Any, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    settings.GATEHOUSE_DEV_WAIT_ORIGIN = ""
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("called"))
    outcome = waithandle.send(url, BODY, kind=HoldKind.WAIT_HANDLE, stack_id=STACK)
    assert outcome == Never("url_refused")


def test_url_of_another_stack_is_never_called(settings: Any) -> None:
    with Listener() as far:
        settings.GATEHOUSE_DEV_WAIT_ORIGIN = far.origin
        outcome = waithandle.send(
            url_at(far.origin), BODY, kind=HoldKind.WAIT_HANDLE, stack_id=STACK.replace("abc", "other")
        )
    assert outcome == Never("url_refused")
    assert far.requests == []


def test_body_over_the_quota_is_never_sent(put: Put) -> None:
    with Listener() as far:
        assert put(far, b"x" * 4097) == Never("body_too_long")
    assert far.requests == []


@pytest.mark.parametrize("answer", [s3_error("403 Forbidden", "SignatureDoesNotMatch", QUERY), b"", stall])
def test_url_is_in_no_outcome_and_no_log(
    put: Put, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    monkeypatch.setattr(waithandle, "TRY_SECONDS", 0.2)
    caplog.set_level(logging.DEBUG)
    with Listener(answer) as far:
        outcome = put(far)
    assert "s3cr3t" not in repr(outcome) + caplog.text


def body(reason: str, receipt: str = "e.y.s", verdict: Verdict = Verdict.REJECTED) -> dict[str, str]:
    data = waithandle.signal_body(verdict, unique_id="gh-abc", reason=reason, receipt=receipt)
    assert len(data) <= 4096
    fields: dict[str, str] = json.loads(data.decode("ascii"))
    return fields


def test_approval_is_success_and_refusal_is_failure() -> None:
    assert body("Approved, GH-1042", verdict=Verdict.APPROVED) == {
        "Status": "SUCCESS",
        "UniqueId": "gh-abc",
        "Reason": "Approved, GH-1042",
        "Data": "e.y.s",
    }
    assert body("Rejected, GH-1042: too large")["Status"] == "FAILURE"


@given(st.text(max_size=6000), st.integers(min_value=0, max_value=3900))
def test_body_fits_and_the_receipt_is_whole_whatever_people_write(text: str, size: int) -> None:
    receipt = "r" * size
    fields = body("GH-1: " + text, receipt)
    assert fields["Data"] == receipt
    reason = fields["Reason"]
    reason.encode("utf-8")
    assert reason.isprintable()
    data = waithandle.signal_body(Verdict.REJECTED, unique_id="gh-abc", reason=text, receipt=receipt)
    if size <= 1500:
        assert len(data) <= 2048


@given(st.text(alphabet='a😀é—"\\\n', max_size=400), st.integers(min_value=0, max_value=600))
def test_reason_is_cut_by_its_encoded_length_between_two_characters(text: str, room: int) -> None:
    cut = waithandle.fit(text, room)
    whole = waithandle.fit(text, 10**6)
    assert len(json.dumps(cut)) - 2 <= room
    assert cut == whole or (cut == "" and room < 6) or (cut[-1] == "…" and whole.startswith(cut[:-1]))


def test_reason_becomes_one_line_without_control_and_direction_characters() -> None:
    assert waithandle.fit("a\r\nb\tc\x00\x1b[31m\u202egnp\ud800", 100) == "a b c[31mgnp\ufffd"


def test_receipt_that_leaves_no_room_is_an_error() -> None:
    with pytest.raises(waithandle.TooLong):
        waithandle.signal_body(Verdict.APPROVED, unique_id="gh-abc", reason="", receipt="r" * 4096)
