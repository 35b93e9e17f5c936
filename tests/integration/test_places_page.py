"""Accounts and regions, and the list of products: who sees them, who acts, and what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client

from approvals import audit
from approvals.actions import watching
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.errors import Refused
from approvals.hints import Hint
from approvals.models import AuditEvent
from approvals.sentences import sentence
from approvals.views import catalogue
from approvals.views import places as view
from catalog import aws
from catalog.models import Offer, Place, Portfolio, Product, SyncRun, Version
from catalog.models.places import Result
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.plans import nodes

SignIn = Callable[[User], Client]
PAGE, LIVE, ADD, LIST = "/catalogue/places/", "/catalogue/places/live/", "/catalogue/places/add/", "/catalogue/"
OWN, SPOKE = "111122223333", "444455556666"
EXTERNAL_ID = "a-secret-of-the-installation"


@pytest.fixture(autouse=True)
def _setting(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.GATEHOUSE_READER_ACCOUNTS, settings.GATEHOUSE_READER_EXTERNAL_ID = [SPOKE], EXTERNAL_ID
    monkeypatch.setattr(aws, "own_account", lambda: OWN)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Hint]:
    hints: list[Hint] = []
    monkeypatch.setattr(view, "publish", hints.append)
    return hints


@pytest.fixture
def admin(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.administrator)


def place(account: str = OWN, region: str = "us-east-1", **more: Any) -> Place:
    at = now()
    return Place.objects.create(
        account=account, region=region, created_at=at, **{"next_at": at + timedelta(hours=1), **more}
    )


def run(where: Place, result: str = "done", **more: Any) -> SyncRun:
    at = now()
    ended = {"finished_at": at} if result else {}
    return SyncRun.objects.create(place=where, started_at=at, renew_before=at, result=result, **ended, **more)


def product(number: int, where: Place, **more: Any) -> Product:
    return Product.objects.create(
        product_id=f"prod-{number}",
        place=where,
        account=where.account,
        region=where.region,
        updated_at=now(),
        **{"name": f"Product {number:02}", **more},
    )


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


@pytest.mark.parametrize("path", [PAGE, LIVE, LIST])
def test_administrators_and_auditors_see_it_and_nobody_else_knows_of_it(
    cast: Cast, client_for: SignIn, path: str
) -> None:
    place()
    for person in (cast.administrator, cast.auditor):
        assert client_for(person).get(path).status_code in (200, 204)
        assert f'href="{LIST}"' in client_for(person).get("/requests/").content.decode()
    for person in (cast.approver, cast.requester, cast.outsider):
        assert client_for(person).get(path).status_code == 404
        assert f'href="{LIST}"' not in client_for(person).get("/requests/").content.decode()
    assert Client().get(path).status_code == 302


def test_only_administrators_act(cast: Cast, client_for: SignIn, published: list[Hint]) -> None:
    where = place()
    for person in (cast.auditor, cast.approver, cast.outsider):
        client = client_for(person)
        assert client.post(ADD, {"account": SPOKE, "region": "eu-west-1"}).status_code == 404
        for verb in ("read", "off", "on"):
            assert client.post(f"{PAGE}{where.pk}/{verb}/").status_code == 404
    assert "Read now" not in text_of(client_for(cast.auditor).get(PAGE))
    assert published == []
    with pytest.raises(Refused):
        watching.switch_place(where.pk, on=False, actor=Actor(cast.auditor, Channel.DESK), now=now())


def test_a_place_that_is_added_is_read_at_once_and_audited(admin: Client, cast: Cast, published: list[Hint]) -> None:
    given = {"account": "4444 5555 6666", "region": "EU-west-1", "label": "Research", "role_arn": ""}
    answer = admin.post(ADD, given, follow=True)
    assert "is watched from now on" in text_of(answer)
    kept = Place.objects.get()
    assert (kept.account, kept.region, kept.label, kept.role_arn) == (SPOKE, "eu-west-1", "Research", "")
    assert kept.created_by == cast.administrator
    assert kept.next_at <= now()
    assert published == [Hint.CATALOGUE]
    text = text_of(answer)
    assert "about to be read" in text
    assert f"arn:aws:iam::{SPOKE}:role/gatehouse-desk-reader-eu-west-1" in text
    assert EXTERNAL_ID not in answer.content.decode()
    event = AuditEvent.objects.get(code=audit.Event.PLACE_ADDED)
    assert sentence(event) == f"Ada had the catalogue of {SPOKE} eu-west-1 watched"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"account": "12345"}, "twelve digits"),
        ({"account": "１２３４５６７８９０１２"}, "twelve digits"),
        ({"account": "999988887777"}, "GATEHOUSE_READER_ACCOUNTS"),
        ({"region": "mars-north-1"}, "no such region"),
        ({"region": "cn-north-1"}, "another partition"),
        ({"role_arn": "arn:aws:iam::999988887777:role/other"}, "not the ARN of a role in that account"),
        ({"role_arn": "arn:aws-cn:iam::444455556666:role/other"}, "not the ARN of a role in that account"),
        ({"account": OWN, "role_arn": f"arn:aws:iam::{OWN}:role/other"}, "with its own role"),
    ],
)
def test_what_cannot_be_watched_is_said_with_what_to_do(
    admin: Client, published: list[Hint], change: dict[str, str], said: str
) -> None:
    answer = admin.post(ADD, {"account": SPOKE, "region": "eu-west-1", "label": "", "role_arn": ""} | change)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not Place.objects.exists()
    assert published == []


def test_the_form_says_what_is_optional_and_which_external_id_a_role_has_to_ask_for(admin: Client) -> None:
    page = admin.get("/catalogue/places/").content.decode()
    assert page.count("(optional)") == 2
    assert "GATEHOUSE_READER_EXTERNAL_ID" in page.partition('id="id_role_arn_helptext"')[2]


def test_a_place_is_watched_once(admin: Client, published: list[Hint]) -> None:
    place(SPOKE, "eu-west-1")
    answer = admin.post(ADD, {"account": SPOKE, "region": "eu-west-1"})
    assert answer.status_code == 409
    assert "watched already" in text_of(answer)
    with pytest.raises(IntegrityError), transaction.atomic():
        place(SPOKE, "eu-west-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        place("12345")


def test_switching_off_stops_what_is_being_read_and_keeps_what_was(admin: Client, published: list[Hint]) -> None:
    where = place()
    product(1, where)
    under_way = run(where, "", phase="versions", heartbeat_at=now())
    assert "no longer read" in text_of(admin.post(f"{PAGE}{where.pk}/off/", follow=True))
    under_way.refresh_from_db()
    assert (under_way.result, under_way.error) == ("stopped", "switched_off")
    assert Product.objects.count() == 1
    assert admin.post(f"{PAGE}{where.pk}/read/").status_code == 404
    admin.post(f"{PAGE}{where.pk}/off/")
    admin.post(f"{PAGE}{where.pk}/on/")
    where.refresh_from_db()
    assert where.enabled
    codes = list(AuditEvent.objects.order_by("pk").values_list("code", flat=True))
    assert codes == ["place_switched_off", "place_switched_on"], "what changed nothing is not audited"
    assert admin.post(f"{PAGE}{where.pk}/destroy/").status_code == 404
    assert admin.post(f"{PAGE}99999/off/").status_code == 404


def test_reading_now_makes_it_due_and_thorough(admin: Client, published: list[Hint]) -> None:
    where = place()
    admin.post(f"{PAGE}{where.pk}/read/")
    where.refresh_from_db()
    assert where.next_at <= now()
    assert where.thorough
    assert published == [Hint.CATALOGUE]
    assert AuditEvent.objects.get().code == "sync_asked"
    assert admin.get(f"{PAGE}{where.pk}/read/").status_code == 405


def test_how_far_it_is_is_shown_and_asked_again_until_it_is_done(admin: Client) -> None:
    where = place()
    under_way = run(where, "", phase="versions", done=7, total=20)
    body = admin.get(PAGE).content.decode()
    assert "listing versions" in body
    assert "7 of 20" in text_of(admin.get(PAGE))
    assert '<progress max="20" value="7"' in body
    assert f'hx-get="{LIVE}' in body
    seen = re.search(r"seen=(\w+)", body)
    assert seen
    assert admin.get(LIVE, {"seen": seen[1]}).status_code == 204
    SyncRun.objects.filter(pk=under_way.pk).update(
        finished_at=now(), result=Result.DONE, calls=42, counts={"products": 3, "versions": 1}
    )
    answer = admin.get(LIVE, {"seen": seen[1]})
    assert "hx-get" not in answer.content.decode()
    assert "3 products, 1 version · 42 calls" in text_of(answer)


@pytest.mark.parametrize(
    ("error", "result", "said"),
    [
        ("role_refused", "failed", "DeskRoleArn"),
        ("throttled", "failed", "AWS limits the calls"),
        ("denied:servicecatalog:ListPortfolios", "done", "The right servicecatalog:ListPortfolios is missing"),
        ("not_listed", "failed", "GATEHOUSE_READER_ACCOUNTS"),
        ("aws:<script>", "failed", "AWS answered <script>"),
    ],
)
def test_an_error_is_a_sentence_with_what_to_do(admin: Client, error: str, result: str, said: str) -> None:
    run(place(), result, error=error)
    answer = admin.get(PAGE)
    assert said in text_of(answer)
    assert "<script>" not in answer.content.decode().replace("<script src", "")


def test_a_failure_still_says_when_it_was_last_read(admin: Client) -> None:
    where = place()
    run(where, counts={"products": 350}, calls=1234)
    run(where, "failed", error="no_answer")
    text = text_of(admin.get(PAGE))
    assert "AWS did not answer" in text
    assert "350 products" in text


def test_a_worker_that_does_not_come_is_said(admin: Client) -> None:
    place(next_at=now() - timedelta(minutes=10))
    answer = admin.get(PAGE)
    assert "No worker has begun to read" in text_of(answer)
    assert "hx-get" not in answer.content.decode(), "it has come to rest"


def test_an_empty_desk_says_what_to_do(admin: Client) -> None:
    assert "Nothing is watched yet" in text_of(admin.get(PAGE))
    assert "No account is watched" in text_of(admin.get(LIST))
    place()
    assert "No products have been read yet" in text_of(admin.get(LIST))


def test_products_are_listed_with_where_they_are_offered_and_what_launches_them(admin: Client) -> None:
    where = place(label="Hub")
    wordpress = product(1, where, name="WordPress <b>", owner="Web team")
    product(2, where, name="Servers", engine="TERRAFORM_OPEN_SOURCE")
    product(3, where, name="Gone", removed_at=now())
    shelf = Portfolio.objects.create(place=where, portfolio_id="port-1", name="Platform", shared=True)
    old = Portfolio.objects.create(place=where, portfolio_id="port-2", name="Former")
    Offer.objects.create(portfolio=shelf, product=wordpress)
    Offer.objects.create(portfolio=old, product=wordpress, removed_at=now())
    for number, (active, guidance, gone) in enumerate(
        [(True, "DEFAULT", None), (True, "DEPRECATED", None), (False, "DEFAULT", None), (True, "DEFAULT", now())]
    ):
        Version.objects.create(
            product=wordpress,
            artifact_id=f"pa-{number}",
            name="v",
            active=active,
            guidance=guidance,
            removed_at=gone,
        )
    answer = admin.get(LIST)
    text = text_of(answer)
    assert "WordPress <b>" in text
    assert "<b>" not in answer.content.decode()
    assert "Platform shared" in text
    assert "Former" not in text
    assert "Gone" not in text
    assert text.count("Launches no CloudFormation stack: no gate can hold it.") == 1
    assert re.search(r"us-east-1 Hub 1 ", text), "one version can be launched"


def test_products_are_found_by_name_and_come_in_pages(admin: Client) -> None:
    where = place()
    for number in range(30):
        product(number, where, name=f"Queue {number:02}" if number < 28 else f"Bucket {number}")
    answer = admin.get(LIST, {"q": "queue"})
    text = text_of(answer)
    assert "Queue 00" in text
    assert "Queue 24" in text
    assert "Queue 25" not in text
    assert "Bucket" not in text
    more = re.search(r'href="\?(q=queue&amp;after=\d+)"', answer.content.decode())
    assert more
    second = admin.get(f"{LIST}?{unescape(more[1])}")
    assert "Queue 27" in text_of(second)
    assert "Queue 24" not in text_of(second)
    assert 'href="?q=queue"' in second.content.decode(), "the first page keeps the search"
    assert "Bucket 28" in text_of(admin.get(LIST, {"q": "prod-28"}))
    assert "No product is called so" in text_of(admin.get(LIST, {"q": "nothing"}))
    for odd in ("x", "-1", "9" * 30, "99999"):
        assert admin.get(LIST, {"after": odd}).status_code == 200


def test_a_place_has_one_unfinished_run_and_a_finished_one_has_a_result() -> None:
    where = place()
    run(where, "")
    for wrong in ({"result": ""}, {"result": "done", "finished_at": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SyncRun.objects.create(place=where, started_at=now(), renew_before=now(), **wrong)


def test_versions_are_counted_for_the_rows_of_a_page_only(admin: Client) -> None:
    where = place()
    for number in range(60):
        one = product(number, where)
        for name, more in (("v1", {}), ("v2", {}), ("old", {"active": False}), ("older", {"guidance": "DEPRECATED"})):
            Version.objects.create(product=one, artifact_id=f"pa-{number}-{name}", name=name, **more)
    bare = product(99, where, risk=1)
    page = admin.get(LIST).context["page"]
    counts = {row.pk: row.launchable for row in page.rows}
    assert (len(counts), counts.pop(bare.pk), set(counts.values())) == (25, 0, {2})
    listed = catalogue._with_offers(Product.objects.offered()).order_by("risk", "name", "pk")[:26]
    done = nodes(json.loads(listed.explain(format="json", analyze=True)))
    assert max(one["Actual Loops"] for one in done if one.get("Parent Relationship") == "SubPlan") == 26


def test_a_reading_that_left_something_out_is_read_in_part(admin: Client) -> None:
    run(place(), error="part:prod-7:aws:ValidationException", counts={"products": 3, "left_out": 2})
    text = unescape(admin.get(PAGE).content.decode())
    assert "read in part" in text
    assert "prod-7 could not be read" in text
    assert "2 left out" in text
