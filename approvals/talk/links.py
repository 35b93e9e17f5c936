"""Links in messages: which may stand, and that their reader sees where they lead.

Invariant: a link whose text is not its own address is followed by the host (or mail address) it really leads to, in
ASCII: no other script's letters, no user name before the host and no text can pass for another address. Nothing is
ever loaded: an image is a link to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from markdown_it.token import Token

SCHEMES = ("http", "https", "mailto")
_URL = re.compile(r"(?i)(?:https?://[^\s/]|mailto:[^\s@?]+@[^\s@?]+\Z)")
# What a browser would decode is shown to nobody as it is.
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9a-f:.]+")
_BARE = re.compile(r"(?i)\bhttps?://[^\s<>\"'`⟨⟩]+[^\s<>\"'`⟨⟩.,;:!?()\[\]{}]")


def may_stand(url: str) -> bool:
    """Whether it is a whole address of the web or of a mailbox that every reader of addresses reads alike."""
    return bool(_URL.match(url)) and bool(leads_to(url))


def leads_to(url: str) -> str:
    """The host, or the mail address, in ASCII; the empty string where there is none."""
    try:
        parts = urlsplit(url)
        target = unquote(parts.path) if parts.scheme == "mailto" else _host(parts.hostname or "")
    except ValueError:
        return ""
    return target if parts.scheme in SCHEMES and target.isascii() and target.isprintable() else ""


def _host(name: str) -> str:
    return name if _HOST.fullmatch(name) else ""


def disclose(tokens: Sequence[Token], normalized: Callable[[str], str]) -> list[Token]:
    """The inline tokens with images and bare addresses as links, and a "leads_to" token after every link that does
    not show its own. `normalized`: markdown-it's way to write an address."""
    return list(_disclosed(list(_with_bare(list(_without_images(tokens)), normalized))))


def _without_images(tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type != "image":
            yield token
            continue
        url, name = str(token.attrGet("src") or ""), Token("text", "", 0, content=token.content)
        if depth or not may_stand(url):
            yield name
        else:
            yield from _link(url, name)


def _link(url: str, name: Token) -> tuple[Token, Token, Token]:
    return Token("link_open", "a", 1, attrs={"href": url}), name, Token("link_close", "a", -1)


def _with_bare(tokens: list[Token], normalized: Callable[[str], str]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if depth or token.type != "text":
            yield token
            continue
        at = 0
        for found in _BARE.finditer(token.content):
            url = normalized(found[0])
            if may_stand(url):
                yield Token("text", "", 0, content=token.content[at : found.start()])
                yield from _link(url, Token("text", "", 0, content=found[0]))
                at = found.end()
        yield Token("text", "", 0, content=token.content[at:])


def _disclosed(tokens: list[Token]) -> Iterator[Token]:
    url, text = "", ""
    for token in tokens:
        target = leads_to(url)
        if token.type == "link_close" and not text.strip():
            text = target
            yield Token("text", "", 0, content=target)
        yield token
        if token.type == "link_open":
            url, text = str(token.attrGet("href") or ""), ""
        elif token.type == "link_close" and not _is_shown(text, target):
            yield Token("leads_to", "", 0, content=target)
        else:
            text += token.content


def _is_shown(text: str, target: str) -> bool:
    """Whether the text of the link is this address and cannot be read as another one."""
    return bool(re.match(rf"(?i)\s*(?:https?://)?{re.escape(target)}(?=[/?#]|\s*\Z|:\d+(?:[/?#]|\s*\Z))", text))
