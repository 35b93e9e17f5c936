"""The text of an HTML mail: what its writer sees as their own, without what is quoted and without anything else.

Invariant: Python's parser reads nothing but what nh3 wrote: it is slow on what is no HTML, and never sees any.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

LARGEST = 32 * 1024
# Outlook writes its styles first, as long as a book.
_BODY = re.compile(r"(?i)<body[\s>]")
_SILENT = frozenset({"head", "script", "style", "title", "template", "noscript", "object", "svg", "math", "select"})
_BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr"}
)
_KEPT = {*_BLOCKS, "blockquote", "span", "section", "td", "tbody"}
_VOID = frozenset({"br", "hr"})
# What Gmail, Outlook, Yahoo, Apple and Thunderbird put around the mail that is answered.
_QUOTES = re.compile(
    r"(?i)gmail_quote|gmail_attr|yahoo_quoted|moz-cite|appendonsend|divRplyFwdMsg|OLK_SRC_BODY|signature"
)
# After these, everything is the answered mail.
_ENDS = re.compile(r"(?i)appendonsend|divRplyFwdMsg|OLK_SRC_BODY")


def as_text(html: str) -> str:
    """Lines of text; the empty string for HTML that holds none."""
    begins = _BODY.search(html)
    html = html[begins.start() if begins else 0 :][:LARGEST]
    reader = _Reader()
    reader.feed(
        nh3.clean(html, tags=_KEPT, attributes={"*": {"class", "id"}}, clean_content_tags=set(_SILENT), link_rel=None)
    )
    reader.close()
    text = re.sub(r"[ \t\xa0]+", " ", "".join(reader.said))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        # The tag that began to be silent and how many of its kind are open; empty while text is taken.
        self._silent, self._depth, self._over = "", 0, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent:
            self._depth += tag == self._silent
            return
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id"))
        self._over = self._over or bool(_ENDS.search(marks))
        if tag in _BLOCKS:
            self.said.append("\n- " if tag == "li" else "\n")
        if tag not in _VOID and (tag == "blockquote" or _QUOTES.search(marks)):
            self._silent, self._depth = tag, 1

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._depth -= 1
            self._silent = self._silent if self._depth else ""
        elif tag in ("p", "div", "tr") and not self._silent:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent and not self._over:
            self.said.append(re.sub(r"\s+", " ", data))
