"""What people write, as HTML: Markdown without HTML, read by markdown-it and cleaned by nh3.

Invariant: what was written can be read. What is no Markdown of ours stands there as it was written, invisible
characters are made visible, and a text that is too long, too odd or nested too deeply is shown as it is. The result
holds no style, script, image or form, and its links are those of `approvals.talk.links`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from approvals.talk import links
from portal.templatetags.elements import plain

# A message has at most 4,000 characters (approvals.actions.base); what is longer came another way.
LONGEST = 8_000
DEEPEST = 16
# Openings without an end are looked for up to the end of the text: their cost grows with the square of their number.
MOST_MARKS = 800
# A table has a cell for every column in every line that follows, also where nothing stands there.
MOST_CELLS, LARGEST = 2_000, 100_000
_OPENING = re.compile(r"[\[*_~]")
_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "span", "mark"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
# Headings would stand between the page's own; a definition of a link would vanish; indented text is mostly just that.
_OFF = ["code", "html_block", "html_inline", "lheading", "reference"]
_FORM_OF_HEADINGS = {"heading_open": "<p><strong>", "heading_close": "</strong></p>\n"}


def render(text: str, named: Iterable[str] = ()) -> SafeString:
    """The text as HTML to be shown with class "foreign". `named`: mentions in it that tell somebody, as written."""
    return _rendered(text, tuple(sorted(set(named), key=len, reverse=True)))


@lru_cache(maxsize=256)
def _rendered(text: str, named: tuple[str, ...]) -> SafeString:
    tokens = None if _is_costly(text) else _parsed(text)
    if tokens is None:
        return _as_it_is(text)
    for token in _all(tokens):
        token.content = plain(token.content)
    if named:
        _mark(tokens, named)
    html = str(_markdown().renderer.render(tokens, _markdown().options, {}))
    if len(html) > LARGEST:
        return _as_it_is(text)
    return mark_safe(  # noqa: S308 - cleaned in this line
        nh3.clean(
            html,
            tags=_TAGS,
            attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
            tag_attribute_values={"span": {"class": {"leads-to"}}},
            url_schemes=set(links.SCHEMES),
            link_rel="nofollow noopener noreferrer",
        )
    )


def _is_costly(text: str) -> bool:
    lines = text.splitlines()
    cells = len(lines) * max((line.count("|") for line in lines), default=0)
    return len(text) > LONGEST or len(_OPENING.findall(text)) > MOST_MARKS or cells > MOST_CELLS


def _as_it_is(text: str) -> SafeString:
    return mark_safe(f"<pre>{escape(plain(text))}</pre>")  # noqa: S308 - escaped


def _parsed(text: str) -> list[Token] | None:
    """None where it is nested so deeply that markdown-it left something out."""
    tokens = _markdown().parse(text)
    return None if any(token.level >= DEEPEST - 1 for token in tokens) else tokens


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    options = {"html": False, "breaks": True, "maxNesting": DEEPEST}
    made = MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable(_OFF)
    made.validateLink = links.may_stand  # type: ignore[method-assign]
    made.core.ruler.push("disclose", _disclose)
    for name, form in _FORM_OF_HEADINGS.items():
        made.add_render_rule(name, _always(form))
    made.add_render_rule("leads_to", _leads_to)
    made.add_render_rule("mention", _mention)
    return made


def _disclose(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline":
            token.children = links.disclose(token.children or [], state.md.normalizeLink)


def _all(tokens: Iterable[Token]) -> Iterable[Token]:
    for token in tokens:
        yield token
        yield from token.children or []


def _mark(tokens: list[Token], named: Sequence[str]) -> None:
    """Set apart the names that tell somebody. Not inside of code or links."""
    pattern = re.compile("(" + "|".join(re.escape(plain(name)) for name in named) + ")", re.IGNORECASE)
    for token in tokens:
        if token.type == "inline":
            token.children = [piece for child in token.children or [] for piece in _pieces(child, pattern)]


def _pieces(token: Token, pattern: re.Pattern[str]) -> list[Token]:
    if token.type != "text":
        return [token]
    parts = pattern.split(token.content)
    return [Token("mention" if n % 2 else "text", "", 0, content=part) for n, part in enumerate(parts)]


def _always(form: str) -> Callable[..., str]:
    return lambda *_: form


def _leads_to(_renderer: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    return f' <span class="leads-to">({escape(tokens[index].content)})</span>'


def _mention(_renderer: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    return f"<mark>{escape(tokens[index].content)}</mark>"
