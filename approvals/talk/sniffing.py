"""What a file is, told from its content.

Invariant: a file is taken only if its first bytes (of text: all of them) and the ending of its name say the same, and
the answer is one of this table. Whatever browsers or senders call it is not even read.
"""

from __future__ import annotations

import codecs
import os
import re
import struct
import zipfile
from typing import IO

# Kind → (endings, the content type it is sent with).
_KINDS: dict[str, tuple[tuple[str, ...], str]] = {
    "png": (("png",), "image/png"),
    "jpeg": (("jpg", "jpeg"), "image/jpeg"),
    "gif": (("gif",), "image/gif"),
    "webp": (("webp",), "image/webp"),
    "pdf": (("pdf",), "application/pdf"),
    "docx": (("docx",), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": (("xlsx",), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "text": (("txt", "log", "md", "csv", "json", "yaml", "yml"), "text/plain; charset=utf-8"),
}
ENDINGS = tuple(ending for endings, _ in _KINDS.values() for ending in endings)
CONTENT_TYPES = frozenset(content_type for _, content_type in _KINDS.values())
_BEGINNINGS = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF....WEBPVP8", re.DOTALL),
    "pdf": re.compile(rb"%PDF-"),
    "zip": re.compile(rb"PK\x03\x04"),
}
_PARTS = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
_ACTIVE = re.compile(r"(?i)vba|macro|activex|embeddings/|\.(?:bin|exe|dll|js|vbs|ps1|bat|cmd|com|scr)$")
_MOST_PARTS = 2000
_LARGEST_LIST = 256 * 1024
# Signature, disks, parts, size of their list, and the rest.
_END = struct.Struct("<10xHI6x")
_LONGEST_COMMENT = 65_535


def content_type(content: IO[bytes], ending: str) -> str:
    """The content type to send it with; the empty string for what is not taken. Leaves `content` at its beginning."""
    kind = _kind(content)
    content.seek(0)
    endings, sent_as = _KINDS.get(kind, ((), ""))
    return sent_as if ending in endings else ""


def _kind(content: IO[bytes]) -> str:
    content.seek(0)
    first = content.read(16)
    kind = next((name for name, begins in _BEGINNINGS.items() if begins.match(first)), "")
    if kind == "zip":
        return _office(content)
    return kind or ("text" if _is_text(content) else "")


def _is_text(content: IO[bytes]) -> bool:
    """UTF-8 without control characters other than tabs, ends of lines and of pages."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    content.seek(0)
    try:
        while piece := content.read(64 * 1024):
            if re.search(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]", decoder.decode(piece)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_short(content: IO[bytes]) -> bool:
    """Whether the list of parts at the package's end is one of an honest document: zipfile reads all of it at once,
    and of a made-up one for seconds. Said by the record at the very end; the wide form of it is for larger files."""
    size = content.seek(0, os.SEEK_END)
    content.seek(max(0, size - _END.size - _LONGEST_COMMENT))
    tail = content.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        return False
    parts, list_size = _END.unpack_from(tail, at)
    return parts <= _MOST_PARTS and list_size <= _LARGEST_LIST and b"PK\x06\x07" not in tail[max(0, at - 20) : at]


def _office(content: IO[bytes]) -> str:
    """A document or a sheet without macros or anything else that runs; only its list of parts is unpacked."""
    if not _is_short(content):
        return ""
    try:
        with zipfile.ZipFile(content) as package:
            names = package.namelist()
            listed = package.getinfo("[Content_Types].xml")
            if len(names) > _MOST_PARTS or listed.file_size > _LARGEST_LIST or any(map(_ACTIVE.search, names)):
                return ""
            types = package.open(listed).read(_LARGEST_LIST)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError, NotImplementedError, RuntimeError):
        return ""
    kinds = {kind for part, kind in _PARTS.items() if part in names}
    return kinds.pop() if len(kinds) == 1 and b"macroEnabled" not in types else ""
