"""The pages behind a link: languages, headers, escaping, and that no secret is ever in them, in logs or in errors."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from lambdas.approve import frame, index, pages, words
from lambdas.decisions import Launch
from tests.lambdas.cloud import error
from tests.lambdas.conftest import ROOT
from tests.lambdas.mail import APPROVE, REJECT, Asked, Mail, watched

APPROVED = {
    "verdict": "approved",
    "by": "Amir",
    "channel": "email_link",
    "at": "2026-11-22T18:11:53.123Z",
    "reason": "",
    "request": "",
    "unique_id": "gh-1",
}
LAUNCH = Launch(
    id="launch#x",
    stack="arn:aws:cloudformation:us-east-1:222233334444:stack/SC-222233334444-pp-abc/3a1b2c3d",
    fingerprint="a" * 64,
    hold={"kind": "wait_handle", "url": "https://canary.example.com/"},
    facts={"update": False, "principal": "", "receipt": False, "cut": True, "types": {}, "parameters": []},
    until=4_000_000_000,
)


class Reader(HTMLParser):
    """Tags, and the ids and labels of controls."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


def every_page(say: words.Say) -> dict[str, frame.Page]:
    wrong = {name: say("Choose Approve or Reject.") for name in ("code", "name", "reason", "verdict")}
    decided = replace(LAUNCH, decision=APPROVED)
    rejected = replace(LAUNCH, decision=APPROVED | {"verdict": "rejected", "channel": "desk", "request": "GH-1"})
    withdrawn = replace(LAUNCH, decision=APPROVED | {"verdict": "withdrawn"}, over=True)
    update = replace(LAUNCH, facts=LAUNCH.facts | {"update": True, "principal": "a:b:c:d:e:user/x"})
    lapsed = replace(update, decision=APPROVED | {"verdict": "lapsed", "by": "", "channel": "desk", "request": "GH-1"})
    told = [
        index.ended(say, replace(one, sent_at="x"), posted=posted)
        for one in (decided, rejected, replace(update, decision=APPROVED), lapsed)
        for posted in (False, True)
    ]
    closed = [
        index.ended(say, one, posted=False) for one in (withdrawn, replace(LAUNCH, over=True), replace(LAUNCH, until=1))
    ]
    found = [
        pages.asking(say, LAUNCH),
        pages.asking(say, update, pages.Typed(wrong=wrong), 422, "incomplete"),
        pages.asking(say, update, pages.Typed(tries_left=2), 403, "wrong code"),
        pages.untold(say, decided, pages.Typed(tries_left=2), 403, "wrong code"),
        pages.decided(say, decided, pages.refusal(say), 502),
        index.unknown(say),
        index.locked(say),
        *(page for page in [*told, *closed] if page),
    ]
    assert len(found) == 18
    return {f"{number} {page.title}": page for number, page in enumerate(found)}


def test_an_update_that_lapsed_is_not_called_withdrawn_and_can_still_be_granted() -> None:
    lapsed = replace(LAUNCH, decision=APPROVED | {"verdict": "lapsed", "by": "", "channel": "desk"})
    page = index.ended(words.english, lapsed, posted=True)
    assert page is not None
    assert page.title == "The time is over"
    assert "can still be granted at the desk" in page.content
    assert "came too late and changed nothing" in page.content
    assert "Withdrawn" not in page.content


def test_how_long_there_is_left_is_said_until_somebody_decided() -> None:
    soon = replace(LAUNCH, until=int(index.now()) + 3000)
    assert "about 49 minutes left" in pages.asking(words.english, soon).content
    assert "about 11 hours left" in pages.asking(words.english, replace(soon, until=soon.until + 40_000)).content
    done = replace(soon, decision=APPROVED, sent_at="x")
    assert "left)" not in pages.decided(words.english, done, frame.Markup()).content


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_is_whole_in_every_language(language: str) -> None:
    lang, say = words.speaker_for(language)
    for name, page in every_page(say).items():
        body = frame.document(page, lang)
        reader = Reader(body)
        assert reader.named("html") == [{"lang": language}], name
        assert not reader.named("script", "iframe", "img", "link", "object"), name
        assert len(reader.named("h1")) == len(reader.named("main")) == 1
        assert not re.search(r"\son\w+=|\sstyle=", body.split("</style>")[1]), name
        labels = {label["for"] for label in reader.named("label")}
        for control in reader.named("input", "textarea"):
            assert control["id"] in labels, name
            for id_ in str(control["aria-describedby"]).split():
                assert f'id="{id_}"' in body, name
        # What Chinese readers get has no English sentence left in it.
        left = re.sub(r"<style>.*?</style>|<[^>]*>", " ", body, flags=re.DOTALL)
        assert language == "en" or not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", left), name


def test_every_sentence_is_translated_and_every_translation_used() -> None:
    code = "".join((ROOT / "lambdas" / "approve" / f"{name}.py").read_text("utf-8") for name in SPEAKING)
    nodes = list(ast.walk(ast.parse(code)))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert set(words.CHINESE) <= texts
    said = [node.args[0] for node in nodes if isinstance(node, ast.Call) and is_say(node)]
    assert {node.value for node in said if isinstance(node, ast.Constant)} <= set(words.CHINESE)
    for english, chinese in words.CHINESE.items():
        assert english.count("{}") == chinese.count("{}")


SPEAKING = ("pages", "visit", "index")


def is_say(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "say" and bool(node.args)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("fr, zh;q=0.5", "zh-CN"),
        ("fr", "en"),
        ("zh;q=0", "en"),
        ("zh-CN, en", "zh-CN"),
        ("en, zh-CN", "en"),
        ("zh;q=nonsense", "en"),
        (";;;,,,===", "en"),
    ],
)
def test_the_language_is_the_readers(accepted: str, language: str) -> None:
    assert words.speaker_for(accepted)[0] == language


def test_headers_forbid_everything_a_page_does_not_need(mail: Mail) -> None:
    launch = mail.launch()
    for answer in (mail.visit(launch.link), mail.visit("x"), mail.visit(launch.link, "PUT"), mail.post(launch, {})):
        style = re.search(r"<style>(.*?)</style>", answer.body, re.DOTALL)
        assert style
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert answer.headers["content-security-policy"].split("; ") == [
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "{title}{0}{say.__globals__}",
    "javascript:alert(1)",
]


def shape(body: str) -> list[tuple[str, list[str]]]:
    """The tags of a page with their attributes' names."""
    return [(tag, sorted(attributes)) for tag, attributes in Reader(body).tags if tag != "wbr"]


@pytest.mark.parametrize("evil", PAYLOADS)
def test_no_fact_and_nothing_typed_becomes_markup(mail: Mail, evil: str) -> None:
    launch = mail.launch(
        stack={"name": evil, "status": "UPDATE_IN_PROGRESS"},
        product={"product_id": evil},
        requester={"principal_arn": f"arn:aws:sts::1:{evil}", "email": evil},
        parameters=[{"name": evil, "value": evil, "no_echo": False, "length": 99}],
        template={"description": evil, "resource_types": {evil: 1}, "cut": True},
    )
    plain = mail.launch()
    allowed = {tag for tag, _ in shape(mail.visit(plain.link).body)}
    answers = [
        mail.visit(launch.link),
        mail.post(launch, {"name": evil, "reason": evil, "verdict": evil, "code": evil}),
        mail.post(launch, {"name": evil, "reason": evil, "verdict": "rejected"}, accept_language=evil),
        mail.visit(launch.link),
    ]
    assert [answer.status for answer in answers] == [200, 422, 200, 200]
    for answer in answers:
        tags = shape(answer.body)
        assert {tag for tag, _ in tags} <= allowed
        assert not [
            names for _, names in tags if any(name.startswith("on") or name in ("src", "style") for name in names)
        ]
        assert evil not in answer.body or "<" not in evil


def test_no_secret_is_ever_shown_logged_or_raised(
    mail: Mail, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = [mail.launch(), mail.launch(update=True)]
    shown: list[str] = []

    def every_way(launch: Asked) -> None:
        wrong = {"code": "ABCD-EFG0", "name": "Amir", "verdict": "approved"}
        shown.extend(mail.visit(launch.link, method).body for method in ("GET", "POST", "PUT"))
        shown.append(mail.post(launch, wrong).body)
        shown.append(mail.post(launch, {"verdict": "rejected"}).body)
        for operation in ("GetItem", "UpdateItem", "Publish", "Sign"):
            with watched(monkeypatch, broken(operation), lambda _: None):
                shown.append(mail.post(launch, APPROVE).body)
        mail.buckets.statuses = [403]
        shown.append(mail.post(launch, APPROVE).body)
        shown.append(mail.post(launch, REJECT).body)
        shown.append(mail.visit(launch.link).body)

    for launch in asked:
        every_way(launch)
    said = capfd.readouterr()
    heard = str(mail.heard()) + str([put.body for put in mail.buckets.puts])
    for launch in asked:
        secrets = [launch.link, launch.code, launch.code.replace("-", ""), "s3cret", launch.url]
        for secret in secrets:
            assert secret not in said.out + said.err
            assert not [body for body in shown if secret in body]
            assert secret not in heard


def broken(operation: str) -> Any:
    def fail(called: str) -> None:
        if called == operation:
            raise error(operation, "ValidationException")

    return fail


def test_a_refusal_is_one_line_of_json_that_a_metric_can_count(mail: Mail, capsys: pytest.CaptureFixture[str]) -> None:
    launch = mail.launch()
    capsys.readouterr()
    mail.visit("A" * 43)
    mail.post(launch, {})
    mail.post(launch, APPROVE | {"code": "ABCD-EFG0"})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    refused = [line for line in lines if line["message"] == "refused"]
    assert [line["why"] for line in refused] == ["unknown link", "incomplete", "wrong code"]
    assert [line["status"] for line in refused] == [404, 422, 403]
