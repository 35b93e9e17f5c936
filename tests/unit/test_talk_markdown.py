"""Markdown of messages: what is shown, what never is, and what it costs."""

from __future__ import annotations

import time
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.talk.markdown import render
from tests.support.payloads import EVERYTHING, MISLEADING

ALLOWED = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "span", "mark"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Reader(HTMLParser):
    """Every tag with its attributes, and the text a person reads."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(html: str) -> Reader:
    read = Reader(html)
    for tag, attributes in read.tags:
        assert tag in ALLOWED
        assert set(attributes) <= {"href", "rel", "start", "class"}
        if tag == "a":
            assert (attributes["href"] or "").lower().startswith(("http://", "https://", "mailto:"))
            assert attributes["rel"] == "nofollow noopener noreferrer"
        assert attributes.get("class") in (None, "leads-to")
    hidden = [c for c in read.text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t"]
    assert not hidden
    return read


@pytest.mark.parametrize("payload", EVERYTHING)
def test_nothing_that_runs_loads_or_hides_is_shown(payload: str) -> None:
    assert_harmless(render(payload))
    assert_harmless(render(f"before {payload} after", ["@Anna", payload[:40]]))


def test_there_are_many_payloads() -> None:
    assert len(set(EVERYTHING)) >= 80


@pytest.mark.parametrize("payload", MISLEADING[:5])
def test_invisible_characters_are_seen_in_code_too(payload: str) -> None:
    assert "⟨U+" in render(payload)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="<>[]()!*_~`|-#&;:/\\\"'= \n\tahtpsjvcri.@\u202e\u200b", max_size=300))
def test_whatever_is_written_is_harmless(text: str) -> None:
    assert_harmless(render(text))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** *it* ~~no~~ `code`", "<strong>bold</strong> <em>it</em> <s>no</s> <code>code</code>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("|a|\n|-|\n|1|", "<td>1</td>"),
        ("# Title", "<p><strong>Title</strong></p>"),
    ],
)
def test_markdown_is_shown(text: str, html: str) -> None:
    assert html in render(text)


def test_plain_messages_of_before_look_as_they_were_written() -> None:
    html = render("Hello,\nplease look.\n    Four spaces & <angles>\nTitle\n---\nBye")
    assert "Hello,<br>" in html
    assert "Four spaces &amp; &lt;angles&gt;" in html
    assert "<h" not in html.replace("<hr", "")
    assert "<pre" not in html


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("[https://apple.com](https://evil.example/x)", "(evil.example)"),
        ("[apple.com/](https://evil.example/x)", "(evil.example)"),
        ("<https://apple.com@evil.example>", "(evil.example)"),
        ("https://apple.com@evil.example/", "(evil.example)"),
        ("<https://аpple.com>", "(xn--pple-43d.com)"),
        ("https://аpple.com/x", "(xn--pple-43d.com)"),
        ("[https://evil.example.apple.com](https://evil.example)", "(evil.example)"),
        ("[https://evil.example:80@apple.com](https://evil.example)", "(evil.example)"),
        ("[write](mailto:a@evil.example)", "(a@evil.example)"),
        ("![logo](https://evil.example/p.png)", "(evil.example)"),
        ("[ ](https://evil.example)", "evil.example</a>"),
    ],
)
def test_a_link_that_looks_like_another_shows_where_it_leads(text: str, host: str) -> None:
    html = render(text)
    assert host in html
    assert "<img" not in html


@pytest.mark.parametrize(
    "text",
    [
        "[a](https://ev%69l.example)",
        "https://good.example%2eevil.example/x",
        "[a](mailto:a@good.example?to=b@evil.example&bcc=c@evil.example)",
    ],
)
def test_an_address_that_browsers_would_decode_or_add_to_is_no_link(text: str) -> None:
    assert "<a " not in render(text)


@pytest.mark.parametrize(
    "text", ["https://wiki.example/a_b_c?d=e", "<https://wiki.example/>", "see https://wiki.example."]
)
def test_an_address_that_shows_itself_is_only_linked(text: str) -> None:
    html = render(text)
    assert "<a href=" in html
    assert "leads-to" not in html
    assert 'wiki.example."' not in html


@pytest.mark.parametrize(
    "text",
    [
        "> " * 10_000 + "deep",
        ">" * 4_000,
        "- " * 1_900 + "x",
        "[" * 4_000,
        "![" * 2_000,
        "*a_ " * 1_000,
        "`" * 2_001,
        "".join("`" * n + " " for n in range(88)),
        "[a](" * 1_000,
        "&" * 4_000,
        "|a" * 1_300 + "\n" + "|-" * 600,
        "|" * 301 + "\n|" + "-|" * 300 + "\n" + "a\n" * 300,
        "\n>" * 2_000,
        "https://a.example/" * 220,
        "x" * 1_000_000,
    ],
    ids=lambda text: f"{text[:6]!r}×{len(text)}",
)
def test_costly_texts_cost_little(text: str) -> None:
    render("warm")
    best = 1.0
    for n in range(3):
        began = time.process_time()
        html = render(text + " " * n)
        best = min(best, time.process_time() - began)
    assert_harmless(html)
    assert best < (0.1 if len(text) < 100_000 else 0.5)


def test_what_is_nested_too_deeply_is_shown_as_it_was_written() -> None:
    assert "deep" in render("> " * 30 + "deep")
    assert "deep" in render("- " * 14 + "1. " * 14 + "deep")


def test_names_that_tell_somebody_are_marked_outside_of_code() -> None:
    html = render("@Anna look, `@Anna` and <b>@Anna</b>", ["@Anna"])
    assert html.count("<mark>@Anna</mark>") == 2
    assert "<code>@Anna</code>" in html
