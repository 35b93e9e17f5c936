"""Uploads: what a file is, told from its content, and what is left of its name."""

from __future__ import annotations

import io
import struct
import time
import unicodedata
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.talk import names, sniffing
from tests.support.payloads import EVERYTHING

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF"
GIF = b"GIF89a" + b"\0" * 20
WEBP = b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 20
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def office(*parts: str, types: str = "<Types/>") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        package.writestr("[Content_Types].xml", types)
        for part in parts:
            package.writestr(part, "<x/>")
    return made.getvalue()


def sniffed(content: bytes, name: str) -> str:
    return sniffing.content_type(io.BytesIO(content), names.ending(name))


@pytest.mark.parametrize(
    ("content", "name", "content_type"),
    [
        (PNG, "a.png", "image/png"),
        (JPEG, "a.jpg", "image/jpeg"),
        (JPEG, "a.JPEG", "image/jpeg"),
        (GIF, "a.gif", "image/gif"),
        (WEBP, "a.webp", "image/webp"),
        (PDF, "a.pdf", "application/pdf"),
        ("größe\t1\r\n".encode(), "a.txt", "text/plain; charset=utf-8"),
        (b"a,b\n1,2\n", "a.csv", "text/plain; charset=utf-8"),
        (b'{"a": 1}', "a.json", "text/plain; charset=utf-8"),
        ("名: 值\n".encode(), "a.yaml", "text/plain; charset=utf-8"),
        (b"\xef\xbb\xbfa\n", "a.csv", "text/plain; charset=utf-8"),
        (b"\x1b[31mred\x1b[0m", "build.log", "text/plain; charset=utf-8"),
        (office("word/document.xml"), "a.docx", sniffing._KINDS["docx"][1]),
        (office("xl/workbook.xml"), "a.xlsx", sniffing._KINDS["xlsx"][1]),
    ],
)
def test_a_file_that_is_what_it_says_is_taken(content: bytes, name: str, content_type: str) -> None:
    assert sniffed(content, names.cleaned(name)) == content_type
    assert content_type in sniffing.CONTENT_TYPES


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (PNG, "a.jpg"),
        (PNG, "a.txt"),
        (PDF, "a.txt"),
        (PDF, "a.png"),
        (b"<script>alert(1)</script>", "a.png"),
        (b"<html>", "a.html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg"),
        (b"MZ\x90\0", "a.exe"),
        (b"MZ\x90\0", "a.pdf"),
        (b"MZ\x90\0", "a.txt"),
        (b"\x7fELF", "a.txt"),
        (b"#!/bin/sh\n", "a.sh"),
        (b"text", "a"),
        (b"text", ".txt.exe"),
        (b"a\0b", "a.txt"),
        (b"\xff\xfea\0", "a.csv"),
        (b"\xe4\xf6\xfc", "a.txt"),
        (b"caf\xc3", "a.txt"),
        (office("word/document.xml"), "a.xlsx"),
        (office("word/document.xml"), "a.zip"),
        (office("a.txt"), "a.docx"),
        (office("word/document.xml", "word/vbaProject.bin"), "a.docx"),
        (office("word/document.xml", "word/embeddings/oleObject1.bin"), "a.docx"),
        (office("xl/workbook.xml", "xl/macrosheets/sheet1.xml"), "a.xlsx"),
        (office("word/document.xml", types="application/vnd.ms-word.document.macroEnabled.main+xml"), "a.docx"),
        (office("word/document.xml", "xl/workbook.xml"), "a.docx"),
        (office(*(f"word/{n}.xml" for n in range(2001))), "a.docx"),
        (b"PK\x03\x04broken", "a.docx"),
        (b"", "a.png"),
    ],
)
def test_a_file_that_lies_or_is_of_no_known_kind_is_not_taken(content: bytes, name: str) -> None:
    assert sniffed(content, names.cleaned(name)) == ""


def test_a_made_up_list_of_parts_is_not_even_read() -> None:
    name = b"word/document.xml"
    entry = b"PK\x01\x02" + bytes(24) + len(name).to_bytes(2, "little") + bytes(16) + name
    parts = 60_000
    end = b"PK\x05\x06" + struct.pack("<4xHHII2x", parts, parts, len(entry) * parts, 4)
    began = time.process_time()
    assert sniffed(b"PK\x03\x04" + entry * parts + end, "a.docx") == ""
    assert time.process_time() - began < 0.2


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([*sniffing.ENDINGS, "exe", "html", ""]))
def test_any_bytes_get_an_answer(content: bytes, ending: str) -> None:
    for begin in (b"", b"PK\x03\x04", b"%PDF-", b"RIFF"):
        assert sniffing.content_type(io.BytesIO(begin + content), ending) in {"", *sniffing.CONTENT_TYPES}


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\plan.TXT", "plan.txt"),
        ("/x/..", "file"),
        ("", "file"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\u200b\ufeff.png", "a.png"),
        ("a\r\nContent-Type: text/html.txt", "html.txt"),
        ("💾🎉.png", "💾🎉.png"),
        ("图纸.pdf", "图纸.pdf"),
        ("con.txt", "_con.txt"),
        ("NUL", "_NUL"),
        (".htaccess", "htaccess"),
        ('a"b<c>.txt', "a_b_c_.txt"),
        ("x" * 500 + ".png", "x" * 120 + ".png"),
    ],
)
def test_names_are_cleaned(given_name: str, kept: str) -> None:
    assert names.cleaned(given_name) == kept


@pytest.mark.parametrize("payload", EVERYTHING)
def test_no_payload_survives_as_a_name(payload: str) -> None:
    assert_clean(names.cleaned(payload))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_any_name_becomes_a_clean_one(name: str) -> None:
    assert_clean(names.cleaned(name))


def assert_clean(name: str) -> None:
    assert 0 < len(name) <= 150
    assert not set(name) & set('/\\<>:"|?*%')
    assert not [c for c in name if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert not name.startswith(".")
