"""Files of messages, in a bucket of the sandbox: sent, refused, fetched, and swept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from approvals import actions
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.errors import Refused
from approvals.models import Attachment, LaunchRequest, Message
from approvals.talk import files
from portal.accounts.models import User
from portal.clock import now
from tests.support import bucket
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest.fixture
def s3(settings: Any, sandbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield bucket.make(settings, sandbox, monkeypatch)
    storages._storages.clear()  # type: ignore[attr-defined]


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


def upload(name: str, content: bytes, claimed: str = "text/html") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, claimed)


def send(
    client: Client, launch: LaunchRequest, *uploads: SimpleUploadedFile, verb: str = "comment", text: str = "x"
) -> Any:
    return client.post(f"{launch.get_absolute_url()}{verb}/", {"text": text, "files": list(uploads)})


def fetched(client: Client, attachment: Attachment) -> tuple[int, bytes]:
    answer: Any = client.get(f"/files/{attachment.uuid}/")
    return answer.status_code, b"".join(answer.streaming_content) if answer.streaming else b""


def in_bucket(s3: Any, settings: Any) -> list[str]:
    return bucket.keys(s3, settings.GATEHOUSE_FILES_BUCKET)


def test_a_file_is_stored_shown_and_only_ever_downloaded(
    cast: Cast, launch: LaunchRequest, client_for: SignIn, s3: Any, settings: Any
) -> None:
    client = client_for(cast.requester)
    assert 'type="file"' in client.get(launch.get_absolute_url()).content.decode()
    answer = send(client, launch, upload("plan \u202eof.png", PNG), upload("💾.csv", "a,ü\n".encode()))
    assert answer.status_code == 302
    first, second = Attachment.objects.all()
    assert (first.name, first.content_type, first.size) == ("plan of.png", "image/png", len(PNG))
    assert second.name == "💾.csv"
    assert sorted(in_bucket(s3, settings)) == sorted([first.stored_as, second.stored_as])
    assert first.name not in first.stored_as
    stored = s3.head_object(Bucket=settings.GATEHOUSE_FILES_BUCKET, Key=first.stored_as)
    assert stored["ServerSideEncryption"] == "AES256"
    page = client_for(cast.approver).get(launch.get_absolute_url()).content.decode()
    assert f"/files/{first.uuid}/" in page
    assert "💾.csv" in page
    got = client_for(cast.approver).get(f"/files/{first.uuid}/")
    assert b"".join(got.streaming_content) == PNG  # type: ignore[attr-defined]
    assert got["Content-Type"] == "image/png"
    assert got["Content-Disposition"].startswith("attachment;")
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "no-store" in got["Cache-Control"]


@pytest.mark.parametrize(
    ("uploads", "sentence"),
    [
        ([("page.png", b"<html>")], "cannot be taken"),
        ([("a.exe", b"MZ\x90\0")], "cannot be taken"),
        ([("a.txt", b"")], "is empty"),
        ([("a.txt", b"x" * (files.LARGEST + 1))], "is larger than 10 MB"),
        ([(f"{n}.txt", b"x") for n in range(6)], "at most 5 files"),
        ([("a.txt", b"fine"), ("b.svg", b"<svg/>")], "cannot be taken"),
    ],
)
def test_what_is_refused_leaves_nothing_and_keeps_the_text(
    cast: Cast,
    launch: LaunchRequest,
    client_for: SignIn,
    s3: Any,
    settings: Any,
    uploads: list[tuple[str, bytes]],
    sentence: str,
) -> None:
    answer = send(client_for(cast.approver), launch, *(upload(*one) for one in uploads), text="My question")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert "My question</textarea>" in page
    assert "Please choose your files again." in page
    assert not Message.objects.exists()
    assert in_bucket(s3, settings) == []


def test_a_message_that_the_verb_refuses_leaves_no_file(
    cast: Cast, launch: LaunchRequest, s3: Any, settings: Any
) -> None:
    at = now()
    seen: list[str] = []

    def answered() -> None:
        with files.stored([upload("a.png", PNG)], at) as kept:
            seen.extend(in_bucket(s3, settings))
            actions.answer(launch.pk, actor=Actor(cast.requester, Channel.DESK), now=at, text="x", attached=kept)

    with pytest.raises(Refused):
        answered()
    assert len(seen) == 1
    assert in_bucket(s3, settings) == []
    assert not Attachment.objects.exists()


def test_who_may_not_write_stores_nothing(
    cast: Cast, launch: LaunchRequest, client_for: SignIn, s3: Any, settings: Any
) -> None:
    assert send(client_for(cast.outsider), launch, upload("a.png", PNG)).status_code == 404
    assert send(client_for(cast.auditor), launch, upload("a.png", PNG)).status_code == 403
    assert send(client_for(cast.approver), launch, upload("a.png", PNG), text="").status_code == 422
    assert in_bucket(s3, settings) == []


def test_files_are_for_those_who_may_see_their_message(
    cast: Cast, launch: LaunchRequest, client_for: SignIn, s3: Any
) -> None:
    send(client_for(cast.approver), launch, upload("a.png", PNG), verb="note")
    send(client_for(cast.approver), launch, upload("b.png", PNG))
    of_note, of_comment = Attachment.objects.all()
    for person, note, comment in [
        (cast.second_approver, 200, 200),
        (cast.auditor, 200, 200),
        (cast.requester, 404, 200),
        (cast.other_requester, 404, 404),
        (cast.outsider, 404, 404),
    ]:
        client = client_for(person)
        assert fetched(client, of_note) == (note, PNG if note == 200 else b"")
        assert fetched(client, of_comment) == (comment, PNG if comment == 200 else b"")
        assert (f"/files/{of_note.uuid}/" in client.get(launch.get_absolute_url()).content.decode()) == (note == 200)
    assert Client().get(f"/files/{of_comment.uuid}/").status_code == 302


def test_a_file_without_a_message_is_swept_and_others_stay(
    cast: Cast, launch: LaunchRequest, client_for: SignIn, s3: Any, settings: Any
) -> None:
    send(client_for(cast.approver), launch, upload("a.png", PNG))
    with files.stored([upload("lost.png", PNG)], now()):
        pass
    assert files.sweep(now()) == 0
    assert files.sweep(now() + timedelta(hours=2)) == 1
    assert in_bucket(s3, settings) == [Attachment.objects.get().stored_as]


def test_files_of_a_week_without_a_worker_are_swept_however_many(
    s3: Any, settings: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PAGE", 10)
    week = now() - timedelta(days=7)
    for n in range(23):
        s3.put_object(Bucket=settings.GATEHOUSE_FILES_BUCKET, Key=f"files/{week:%Y/%m/%d}/{n}", Body=b"")
    assert files.sweep(now() + timedelta(hours=2)) == 23
    assert in_bucket(s3, settings) == []


def test_a_bucket_that_is_away_is_said(
    cast: Cast, launch: LaunchRequest, client_for: SignIn, s3: Any, settings: Any
) -> None:
    client = client_for(cast.approver)
    send(client, launch, upload("a.png", PNG))
    attachment = Attachment.objects.get()
    s3.delete_object(Bucket=settings.GATEHOUSE_FILES_BUCKET, Key=attachment.stored_as)
    assert client.get(f"/files/{attachment.uuid}/").status_code == 302
    s3.delete_bucket(Bucket=settings.GATEHOUSE_FILES_BUCKET)
    answer = send(client, launch, upload("b.png", PNG), text="kept")
    assert answer.status_code == 503
    assert "could not be stored at the moment" in answer.content.decode()
    assert "kept</textarea>" in answer.content.decode()


def test_without_a_bucket_there_are_no_files(cast: Cast, launch: LaunchRequest, client_for: SignIn) -> None:
    client = client_for(cast.approver)
    assert 'type="file"' not in client.get(launch.get_absolute_url()).content.decode()
    answer = send(client, launch, upload("a.png", PNG))
    assert answer.status_code == 409
    assert "takes no files" in answer.content.decode()
    assert files.sweep(now()) == 0
