"""Mails that are written to keep the worker busy: their headers, their bodies, and the process they are read in."""

from __future__ import annotations

import contextlib
import time

import pytest

from approvals.replies import apart, head, mime
from approvals.replies.mime import Broken, TooCostly
from catalog.reading.apart import run

HEAD = b"From: rita@example.com\r\nMIME-Version: 1.0\r\n"
NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(30))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 1000,
        b"From: " + b"(" * 5000 + b"\r\n\r\nx",
        b"From: " + b"<" * 5000 + b"\r\n\r\nx",
        b"From: " + b"a," * 20_000 + b"\r\n\r\nx",
        b"From: " + b"=?utf-8?q?a?= " * 5000 + b"\r\n\r\nx",
        b"Content-Type: " + b";" * 20_000 + b"\r\n\r\nx",
        b"Content-Type: text/plain; " + b"a*0*=x;" * 5000 + b"\r\n\r\nx",
        b"X: y\r\n" * 20_000 + b"\r\nx",
        b"X" * 3_000_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(500)),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 30_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 500,
        b"From: a\r\n" * 10_000,
        (b"From: " + b"(" * 900 + b"\r\n") * 100,
        b"Content-Type: text/html\r\n\r\n" + b"<" * 2_000_000,
        b"Content-Type: text/html\r\n\r\n" + b"<!--" * 400_000,
        b"Content-Type: text/html\r\n\r\n" + b"<div><b>" * 200_000,
    ],
    ids=lambda raw: f"{raw[:24]!r}×{len(raw)}",
)
def test_monsters_are_read_or_refused_in_time(raw: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(Broken):
        head.read(raw)
    assert time.process_time() - began < 2
    began = time.process_time()
    with contextlib.suppress(Broken, TooCostly):
        mime.read(raw)
    assert time.process_time() - began < 4


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + NESTED + b"\r\nx",
        HEAD + NESTED.replace(b"boundary=", b"BOUNDARY*0=") + b"\r\nx",
        HEAD + b"\r\n" + b"\n" * 60_000,
        HEAD + b"\r\n" + b"\r" * 60_000,
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 3000,
        HEAD + b"Content-Type: text/plain; " + b"a*0*=x;" * 500 + b"\r\n\r\nx",
    ],
    ids=["boundaries", "continued", "lines", "old lines", "parts", "descriptions"],
)
def test_bodies_of_too_many_parts_or_lines_are_not_parsed(raw: bytes) -> None:
    began = time.process_time()
    with pytest.raises(TooCostly):
        mime.read(raw)
    assert time.process_time() - began < 1


def test_a_large_attachment_is_cut_off_and_the_text_before_it_read() -> None:
    parts = b"--b\r\n\r\nYes.\r\n--b\r\nContent-Disposition: attachment\r\n\r\n" + (b"A" * 76 + b"\r\n") * 60_000
    body = mime.read(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--")
    assert (body.text.strip(), body.files) == ("Yes.", 1)


def test_headers_are_read_without_the_body() -> None:
    began = time.process_time()
    assert head.read(HEAD + b"\r\n" + NESTED * 1000).sender == "rita@example.com"
    assert time.process_time() - began < 1


def test_of_html_no_more_is_read_than_people_write() -> None:
    styled = b"<html><head><style>" + b"p{}" * 30_000 + b"</style></head><body><p>Yes.</p>" + b"<p>x" * 30_000
    read = mime.read(HEAD + b"Content-Type: text/html\r\n\r\n" + styled).text
    assert read.startswith("Yes.")
    assert len(read) < 32 * 1024


def test_the_writers_words_come_from_a_process_of_its_own() -> None:
    read = apart.own_words(HEAD + b"\r\nGr\xc3\xb6\xc3\x9fe.\r\n\r\nOn Mon, 1 Jan, desk wrote:\r\n> Why?")
    assert (read.text, read.files) == ("Größe.", 0)
    with pytest.raises(TooCostly):
        apart.own_words(HEAD + NESTED)


def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    # Decoding this charset takes minutes: it is quadratic, in C, and heeds no exception.
    raw = HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 900_000 + b"-" + b"b" * 900_000
    monkeypatch.setattr(apart, "SECONDS", 1.0)
    began = time.monotonic()
    with pytest.raises(TooCostly):
        apart.own_words(raw)
    assert time.monotonic() - began < 10


def test_a_process_that_needs_too_much_memory_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "MEMORY", 30 << 20)
    with pytest.raises(TooCostly):
        apart.own_words(HEAD + b"\r\n" + b"x" * 2_000_000)


def test_the_process_knows_neither_django_nor_the_desk() -> None:
    main = "import sys; sys.path.insert(0, sys.argv[1]); import approvals.replies.words; print(*sys.modules)"
    known = run(main, [str(apart._ROOT)], b"", seconds=20, memory=apart.MEMORY).stdout.decode().split()
    assert "approvals.replies.words" in known
    assert not {"django", "anymail", "boto3", "approvals.models"} & set(known)
