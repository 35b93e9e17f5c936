"""What is left of a reply: the writer's own lines."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.replies.html import as_text
from approvals.replies.trimming import trimmed

OWN = "Yes, two weeks.\n\nThen it goes."
TAILS = {
    "gmail": "\n\nOn Mon, 23 Nov 2026 at 10:00, Gatehouse <desk@example.com> wrote:\n> Why?\n>\n> x",
    "gmail, broken": "\n\nOn Mon, 23 Nov 2026 at 10:00, Gatehouse, long name\n<desk@example.com>\nwrote:\n\n> Why?",
    "apple": "\n\n> On 23. Nov 2026, at 10:00, Gatehouse <desk@example.com> wrote:\n> \n> Why?",
    "thunderbird": "\n\nOn 11/23/26 10:00, Gatehouse wrote:\n> Why?",
    "german": "\n\nAm 23.11.2026 um 10:00 schrieb Gatehouse:\n> Warum?",
    "german, broken": "\n\nAm Mo., 23. Nov. 2026 um 10:00 Uhr schrieb Gatehouse <\ndesk@example.com>:\n\n> Warum?",
    "french": "\n\nLe lun. 23 nov. 2026 à 10:00, Gatehouse <d@e.example> a écrit :\n> Pourquoi",
    "spanish": "\n\nEl lun, 23 nov 2026 a las 10:00, Gatehouse (<d@e.example>) escribió:\n> Por",
    "chinese": "\n\n在 2026年11月23日，Gatehouse <desk@example.com> 写道：\n> 为什么",
    "chinese gmail": "\n\nGatehouse <desk@example.com> 于2026年11月23日周一 10:00写道：\n\n> 为什么",
    "address alone": "\n\ndesk@example.com wrote:\n> Why?",
    "angled": "\n\nGatehouse <desk@example.com> wrote on 23 Nov:\n> Why?",
    "outlook": "\n\nFrom: Gatehouse <desk@example.com>\nSent: Monday, November 23\nTo: Rita\nSubject: Why\n\nWhy?",
    "outlook bold": "\n\n*From:* Gatehouse\n*Sent:* Monday\n*To:* Rita\n\nWhy?",
    "outlook german": "\n\nVon: Gatehouse\nGesendet: Montag\nAn: Rita\nBetreff: Warum\n\nWarum?",
    "outlook chinese": "\n\n发件人: Gatehouse\n发送时间: 2026年\n收件人: Rita\n主题: 问\n\n为什么",
    "outlook old": "\n\n-----Original Message-----\nFrom: Gatehouse\n\nWhy?",
    "outlook old german": "\n\n-----Ursprüngliche Nachricht-----\nWarum?",
    "qq": "\n\n------------------ 原始邮件 ------------------\n发件人: x",
    "line": "\n\n________________________________\nFrom: Gatehouse\nWhy?",
    "signature": "\n\n-- \nRita\nExample Inc.",
    "phone": "\n\nSent from my iPhone",
    "phone german": "\n\nVon meinem iPhone gesendet",
    "phone chinese": "\n\n发自我的iPhone",
    "unmarked": "\n\nOn Mon, 23 Nov 2026 at 10:00, Gatehouse <desk@example.com> wrote:\n\nWhy?\nReject it",
    "nothing": "",
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_the_quoted_mail_and_the_signature_are_left_out(tail: str) -> None:
    assert trimmed(OWN + tail) == OWN
    assert trimmed((OWN + tail).replace("\n", "\r\n")) == OWN
    if tail and "-- " not in tail:
        assert trimmed(tail) == ""


def test_an_answer_below_and_between_the_quotation_is_kept() -> None:
    below = "On Mon, 23 Nov 2026, Gatehouse <desk@example.com> wrote:\n> Why?\n> For how long?\n\nTests.\n\nTwo weeks."
    assert trimmed(below) == "Tests.\n\nTwo weeks."
    between = (
        "On Mon, 23 Nov 2026, Gatehouse <d@e.example> wrote:\n> Why?\nTests.\n> For how long?\nTwo weeks.\n-- \nRita"
    )
    assert trimmed(between) == "Tests.\nTwo weeks."


@pytest.mark.parametrize(
    "text",
    [
        "On Monday we test.\nOn Tuesday I wrote: nothing",
        "From: eu-central-1 to us-east-1, please",
        "Am I allowed to?",
        "Date: 3 December",
        "a -- b\n--verbose\n---\nc",
        "I sent from my desk",
        "在上海",
        "I wrote to anna@example.com about this:\nshe agrees",
        "Ask bob@example.com what he wrote:\nit is long",
        "(see <a@example.com>):\nx",
    ],
)
def test_sentences_that_only_begin_like_quotations_stay(text: str) -> None:
    assert trimmed(text) == text


HTML = {
    "gmail": "<div dir='ltr'>Yes, two weeks.<div><br></div><div>Then it goes.</div></div><br><div class='gmail_quote'>"
    "<div class='gmail_attr'>On Mon Gatehouse wrote:<br></div><blockquote>Why?</blockquote></div>",
    "outlook": "<style>p{color:red}</style><p>Yes, two weeks.</p><p>Then it goes.</p><div id='appendonsend'></div><hr>"
    "<div id='divRplyFwdMsg'><b>From:</b> Gatehouse</div><div>Why?</div>",
    "apple": "<body>Yes, two weeks.<br><br>Then it goes.<blockquote type='cite'>On Mon wrote: Why?</blockquote></body>",
    "nested": "<p>Yes, two weeks.</p><p>Then it goes.</p><blockquote>a<blockquote>b</blockquote>c</blockquote>",
    "unclosed": "<p>Yes, two weeks.<p>Then it goes.<blockquote>Why?",
    "script": "<script>alert(1)</script><p>Yes, two weeks.</p><!-- x --><p>Then it goes.</p><noscript>x</noscript>",
}


@pytest.mark.parametrize("html", HTML.values(), ids=HTML)
def test_mails_of_html_alone_are_read(html: str) -> None:
    assert trimmed(as_text(html)).replace("\n\n", "\n") == OWN.replace("\n\n", "\n")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="OnAm wrote:>schrieb\n在写道：-_<@>=/divblockquote \"'&;!", max_size=600))
def test_any_text_and_any_html_is_read(text: str) -> None:
    kept = trimmed(text)
    lines = [line.rstrip("\r") for line in text.splitlines()]
    assert all(line in lines or line.strip() in [one.strip() for one in lines] for line in kept.splitlines())
    as_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "On " * 60_000,
        "On a\n" * 40_000,
        "a@" * 90_000,
        "<a@b.c> 在 " * 20_000,
        "From:\n" * 30_000,
        ">\n" * 90_000,
        "_" * 180_000,
        ("((@@))" * 120)[:700],
        (("((@@))" * 120)[:700] + "\n") * 2000,
        ("<a@b>" * 50 + " wrote" * 5 + "x:\n") * 2000,
        ("am 1234 " + " schrieb:" * 90 + "x\n") * 2000,
        ("sent from my " + "a" * 2000 + "\n") * 2000,
        ("sent from my a" + " " * 1900 + "x\n") * 2000,
        "<div>" * 40_000,
        "<!--" * 40_000,
        "<a " * 40_000,
        "".join(f"<font a={n}>" for n in range(1300)) + "<p>" * 4000,
    ],
    ids=lambda text: f"{text[:16]!r}×{len(text)}",
)
def test_costly_replies_cost_little(text: str) -> None:
    began = time.process_time()
    trimmed(text)
    as_text(text)
    assert time.process_time() - began < 2.0
