"""Writing at the page of a request, with and without scripts: preview, refusals that keep the text, changing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from approvals.models import LaunchRequest, Message
from portal import checks
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_views import looked
from tests.support.cast import Cast
from tests.support.launches import open_launch
from tests.support.payloads import EVERYTHING

SignIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def test_preview_without_a_script_shows_the_page_with_the_text_kept(
    cast: Cast, launch: LaunchRequest, client_for: SignIn
) -> None:
    answer = client_for(cast.approver).post(f"{launch.get_absolute_url()}preview/", {"text": "**so** <b>"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<strong>so</strong> &lt;b&gt;" in page
    assert re.search(r'<textarea id="talk-message"[^>]*>\*\*so\*\* &lt;b&gt;</textarea>', page)
    assert not Message.objects.exists()


def test_preview_of_a_note_stays_in_the_form_of_notes(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    answer = client_for(cast.approver).post(f"{launch.get_absolute_url()}preview/", {"text": "canary", "form": "note"})
    page = answer.content.decode()
    assert re.search(r'<textarea id="talk-note"[^>]*>canary</textarea>', page)
    assert re.search(r'<textarea id="talk-message"[^>]*></textarea>', page)
    assert re.search(r'<details class="talk-notes" open>', page)


def test_preview_for_a_script_is_the_text_alone(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    client = client_for(cast.approver)
    answer = client.post(f"{launch.get_absolute_url()}preview/", {"text": "*x*"}, headers=HTMX).content.decode()
    assert "<em>x</em>" in answer
    assert "<html" not in answer
    empty = client.post(f"{launch.get_absolute_url()}preview/", {"text": ""}, headers=HTMX).content.decode()
    assert "Please write a sentence" in empty


@pytest.mark.parametrize("verb", ["comment", "preview", "note"])
def test_a_message_of_1_mb_is_refused_with_a_sentence_and_kept(
    cast: Cast, launch: LaunchRequest, client_for: SignIn, verb: str
) -> None:
    text = "Long. " * 175_000
    form = "note" if verb == "note" else "message"
    answer = client_for(cast.approver).post(f"{launch.get_absolute_url()}{verb}/", {"text": text, "form": form})
    page = answer.content.decode()
    assert answer.status_code in (200, 422)
    assert "at most 4000 characters" in page
    assert text.strip() in page
    assert not Message.objects.exists()


def test_a_body_that_announces_a_gigabyte_is_not_read(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    class Endless:
        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

        readline = read

    for url in (f"{launch.get_absolute_url()}comment/", "/accounts/login/", f"{launch.get_absolute_url()}approve/"):
        for length in (str(10**9), "x", "-1", "9" * 30):
            environ: dict[str, Any] = {"CONTENT_LENGTH": length, "wsgi.input": Endless()}
            answer = client_for(cast.approver).generic("POST", url, b"", "multipart/form-data; boundary=x", **environ)
            assert answer.status_code == 413, (url, length)
            assert b"This is too much at once" in answer.content


def test_somebody_chosen_from_the_list_is_named(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    client = client_for(cast.approver)
    page = client.get(launch.get_absolute_url()).content.decode()
    names = re.search(r'<datalist id="names-message">(.*?)</datalist>', page, re.DOTALL)
    assert names
    assert 'value="@Bea"' in names[1]
    assert "Olga" not in names[1]
    notes = re.search(r'<datalist id="names-note">(.*?)</datalist>', page, re.DOTALL)
    assert notes
    assert "Rita" not in notes[1]
    client.post(f"{launch.get_absolute_url()}comment/", {"text": "Look, please", "named": "@Bea"})
    message = Message.objects.get()
    assert message.text == "Look, please\n\n@Bea"
    assert [one.name for one in message.mentioned.all()] == ["Bea"]
    assert "<mark>@Bea</mark>" in client.get(launch.get_absolute_url()).content.decode()


def test_who_may_not_see_a_request_writes_looks_and_changes_nothing(
    cast: Cast, launch: LaunchRequest, client_for: SignIn
) -> None:
    client = client_for(cast.outsider)
    for path in ("comment/", "preview/", "note/", "messages/1/save/"):
        assert client.post(f"{launch.get_absolute_url()}{path}", {"text": "x"}).status_code == 404
    for path in ("conversation/?before=1", "messages/1/"):
        assert client.get(f"{launch.get_absolute_url()}{path}").status_code == 404
    assert client_for(cast.auditor).post(f"{launch.get_absolute_url()}comment/", {"text": "x"}).status_code == 403


def test_a_message_is_changed_on_a_page_of_its_own(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    client = client_for(cast.approver)
    client.post(f"{launch.get_absolute_url()}comment/", {"text": "first"})
    message = Message.objects.get()
    edit = f"{launch.get_absolute_url()}messages/{message.pk}/"
    assert f'href="{edit}"' in client.get(launch.get_absolute_url()).content.decode()
    assert "first</textarea>" in client.get(edit).content.decode()
    looked = client.post(f"{edit}save/", {"text": "**second**", "preview": "1"}).content.decode()
    assert "<strong>second</strong>" in looked
    assert client.post(f"{edit}save/", {"text": ""}).status_code == 422
    assert client.post(f"{edit}save/", {"text": "**second**"}).status_code == 302
    page = client_for(cast.requester).get(launch.get_absolute_url()).content.decode()
    assert "<strong>second</strong>" in page
    assert "<p>first</p>" in page
    assert client_for(cast.second_approver).get(edit).status_code == 404
    with time_machine.travel(now() + timedelta(minutes=31)):
        late = client.post(f"{edit}save/", {"text": "third"})
    assert late.status_code == 409
    assert "third" in late.content.decode()


def test_payloads_are_harmless_on_the_page_and_in_names(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    User.objects.filter(pk=cast.approver.pk).update(name="<script>alert(1)</script>\u202e")
    client = client_for(cast.requester)
    for payload in EVERYTHING:
        client.post(f"{launch.get_absolute_url()}comment/", {"text": payload})
    pages = [
        client_for(person).get(launch.get_absolute_url()).content.decode()
        for person in (cast.second_approver, cast.requester)
    ]
    for page in pages:
        talk = page[page.index('<ol class="talk">') : page.index("</ol>", page.index('<ol class="talk">'))]
        assert not re.search(r"(?i)<(script|img|iframe|svg on|object|embed|base|meta|style|form)", talk)
        assert not re.search(r"(?i)<[a-z][^<>]*\son[a-z]+\s*=", talk)
        assert not re.search(r'(?i)<[^<>]*(href|src)\s*=\s*"?\s*(javascript|data|vbscript):', talk)
        assert "<script>alert" not in page
        assert "\u202e" not in talk


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, set()),
        ({"GATEHOUSE_FILES_BUCKET": "arn:aws:s3:::files"}, {"gatehouse.E020"}),
        ({"GATEHOUSE_FILES_BUCKET": "files", "GATEHOUSE_MAIL_BUCKET": "mails"}, {"gatehouse.E021"}),
        ({"GATEHOUSE_REPLY_DOMAIN": "https://x"}, {"gatehouse.E021", "gatehouse.E022"}),
        ({"GATEHOUSE_REPLY_DOMAIN": "reply.example.com", "GATEHOUSE_MAIL_BUCKET": "mails"}, set()),
    ],
)
def test_settings_of_conversations_are_checked(settings: Any, changes: dict[str, str], ids: set[str]) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert {found.id for found in [*checks.buckets(), *checks.replies()]} == ids


class TestNamesThatReachNobody:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("Look, @bea and @nobody.", "@nobody names nobody"),
            ("@x and @y-z, please", "@x, @y-z name nobody"),
            ("Ask @Rita", ""),
            ("`@decorator` and me@example.com", ""),
        ],
    )
    def test_the_writer_of_a_message_is_told(
        self, cast: Cast, launch: LaunchRequest, client_for: SignIn, text: str, said: str
    ) -> None:
        client = client_for(cast.approver)
        looked_at = client.post(f"{launch.get_absolute_url()}preview/", {"text": text}, headers=HTMX).content.decode()
        page = client.post(f"{launch.get_absolute_url()}comment/", {"text": text}, follow=True).content.decode()
        assert ("nobody who may read this" in page) == ("nobody who may read this" in looked_at) == bool(said)
        assert said in page

    def test_a_note_names_no_requester(self, cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
        given = {"text": "Is @Rita new?", "form": "note"}
        page = client_for(cast.approver).post(f"{launch.get_absolute_url()}note/", given, follow=True).content.decode()
        assert "@Rita names nobody who may read this" in page

    def test_so_is_whoever_decides(self, cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
        given = {"text": "As @bea said", **looked(launch)}
        page = client_for(cast.approver).post(f"{launch.get_absolute_url()}approve/", given, follow=True)
        assert "Nobody was told because of @bea:" in page.content.decode()


def test_the_form_says_to_whom_it_writes(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    for person, said in ((cast.approver, "Write to the requester"), (cast.requester, "Write to the approvers")):
        page = client_for(person).get(launch.get_absolute_url()).content.decode()
        assert f'<label for="talk-message">{said}</label>' in page
