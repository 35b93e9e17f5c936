"""Mails as strangers' programs write them: who sent it, whether a machine did, and its text, or that it is broken."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.replies import head, mime
from approvals.replies.mime import Broken, TooCostly

HEAD = b"From: Rita <Rita@Example.com>\r\nTo: x@y.example\r\nSubject: Re: GH-1\r\nMIME-Version: 1.0\r\n"


@dataclass(frozen=True)
class Mail:
    sender: str
    is_automatic: bool
    text: str


def parse(raw: bytes) -> Mail:
    read = head.read(raw)
    return Mail(read.sender, read.is_automatic, mime.read(raw).text)


def mail(headers: bytes = b"", body: bytes = b"Yes.") -> bytes:
    return HEAD + headers + b"\r\n" + body


def test_a_plain_mail_is_read() -> None:
    assert parse(mail()) == Mail("rita@example.com", False, "Yes.")


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=iso-8859-1\r\n", "größer".encode("latin-1"), "größer"),
        (b"Content-Type: text/plain; charset=gb18030\r\n", "两周".encode("gb18030"), "两周"),
        (b"Content-Type: text/plain\r\n", "größer 两周".encode(), "größer 两周"),
        (b"Content-Type: text/plain; charset=no-such\r\n", "größer".encode(), "größer"),
        (b'Content-Type: text/plain; charset="\xff"\r\n', b"Yes.", "Yes."),
        (b"Content-Type: text/plain; charset=utf-8\r\n", b"caf\xe9", "caf\ufffd"),
        (b"Content-Type: text/plain; charset=utf-7\r\n", b"+2AA-Yes.", "?Yes."),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n", b"WWVzLg==", "Yes."),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n", b"Ye=\r\ns=2E", "Yes."),
        (b"Content-Type: text/html; charset=utf-8\r\n", b"<p>Yes.</p><script>no</script>", "Yes."),
        (b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n\r\nYes.\r\n--b--\r\n", "Yes."),
        (b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n\r\nYes.", "Yes."),
        (
            b"Content-Type: multipart/alternative; boundary=b\r\n",
            b"--b\r\nContent-Type: text/html\r\n\r\n<p>H</p>\r\n--b\r\nContent-Type: text/plain\r\n\r\nYes.\r\n--b--",
            "Yes.",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n",
            b"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nNo.\r\n--b\r\n\r\nYes.\r\n--b--",
            "Yes.",
        ),
    ],
)
def test_bodies_of_every_kind_are_read(headers: bytes, body: bytes, text: str) -> None:
    assert parse(mail(headers, body)).text.strip() == text


@pytest.mark.parametrize(
    "header",
    [
        b"Auto-Submitted: auto-replied",
        b"Auto-Submitted: auto-generated; x=y",
        b"Precedence: bulk",
        b"Precedence: auto_reply",
        b"X-Autoreply: yes",
        b"X-Autorespond: yes",
        b"Return-Path: <>",
        b"List-Id: <x.example>",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        b"Message-ID: <delivery-1.0000@gatehouse.example>",
    ],
)
def test_machines_are_known(header: bytes) -> None:
    assert parse(mail(header + b"\r\n")).is_automatic


@pytest.mark.parametrize("header", [b"Auto-Submitted: no", b"Precedence: normal", b"Message-ID: <x@gatehouse.example>"])
def test_people_are_not_taken_for_machines(header: bytes) -> None:
    assert not parse(mail(header + b"\r\n")).is_automatic


@pytest.mark.parametrize(
    ("sender", "known"),
    [
        (b"rita@example.com", "rita@example.com"),
        (b'"rita@example.com" <eve@evil.example>', "eve@evil.example"),
        (b"a@example.com, b@example.com", ""),
        (b"", ""),
        (b"undisclosed-recipients:;", ""),
        (b"a@example.com\r\nFrom: b@example.com", ""),
        (b"=?utf-8?q?rita=40example=2Ecom?= <eve@evil.example>", "eve@evil.example"),
    ],
)
def test_the_sender_is_the_one_address_of_the_header(sender: bytes, known: str) -> None:
    try:
        found = parse(b"From: " + sender + b"\r\n\r\nYes.").sender
    except Broken:
        found = ""
    assert found == known


def fine() -> bytes:
    made = MIMEMultipart("alternative", boundary="bound")
    made["From"] = "Rita <rita@example.com>"
    made["Subject"] = "Re: ü"
    made.attach(MIMEText("Yes, größer", "plain", "utf-8"))
    made.attach(MIMEText("<p>Yes</p>", "html", "utf-8"))
    return made.as_bytes()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mails_broken_anywhere_are_read_or_broken(data: st.DataObject) -> None:
    raw = bytearray(fine())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 30))
        raw[at : at + cut] = data.draw(
            st.binary(max_size=20) | st.sampled_from([b"\r\n", b"=?", b"--bound", b"\xff", b"\0"])
        )
    with contextlib.suppress(Broken, TooCostly):
        parse(bytes(raw))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_broken(raw: bytes) -> None:
    for before in (b"", HEAD, b"From: ", b"Content-Type: "):
        with contextlib.suppress(Broken, TooCostly):
            parse(before + raw)


def test_a_mail_of_the_standard_library_is_read() -> None:
    made = EmailMessage()
    made["From"] = "rita@example.com"
    made.set_content("Grüße\n")
    made.add_alternative("<p>no</p>", subtype="html")
    assert parse(made.as_bytes()).text == "Grüße\n"
