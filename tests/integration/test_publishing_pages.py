"""The pages of publishing: who sees them, what they ask, and that a confirmation is of what was shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from catalog import publishing
from catalog.coverage import Risk, covering
from catalog.models import Portfolio, Product, Publication
from catalog.models.publishing import Status
from portal import clock
from portal.accounts.models import User
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template
from tests.support import publishing as desk
from tests.support.cast import Cast
from tests.support.proving import prove
from tests.support.words import english_in

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Account]:
    yield from desk.account(sandbox, monkeypatch, settings)


@pytest.fixture
def admin(cast: Cast, client_for: SignIn) -> Client:
    client: Client = prove(client_for(cast.administrator))
    return client


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def asked(product: Product, **more: Any) -> dict[str, Any]:
    newest = publishing.newest(product)
    return {"source": newest.artifact_id if newest else "", "retire": "inactive", "gate_updates": "on", **more}


def shown_on(answer: Any) -> str:
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', answer.content.decode())
    assert found
    return found[1]


def test_plan_confirm_and_follow_it_on_the_pages(account: Account, admin: Client) -> None:
    product, (first, second) = desk.filled(account)
    account.ended(account.launch(product.product_id, first, "team-queue"))
    form = admin.get(f"/catalogue/products/{product.product_id}/publish/")
    assert form.status_code == 200
    assert f"v2 ({second})" in text_of(form)
    answer = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))
    url = answer["Location"]
    page = admin.get(url)
    assert "being planned" in text_of(page)
    assert "hx-get" in page.content.decode()
    poll = re.search(r'hx-get="([^"]+)"', page.content.decode())
    assert poll
    htmx = {"HX-Request": "true"}
    assert admin.get(unescape(poll[1]), headers=htmx).status_code == 204
    desk.work()
    assert admin.get(unescape(poll[1]), headers=htmx).headers["HX-Refresh"] == "true"

    page = admin.get(url)
    said = text_of(page)
    assert "waiting for a confirmation" in said
    assert "team-queue" in said
    assert "1 provisioned product" in said
    assert "2 versions are made inactive" in said
    assert "Platform" in said
    assert "diff-added" in page.content.decode()
    wrong = admin.post(f"{url}confirm/", {"shown": "0" * 64})
    assert wrong.status_code == 409
    assert "no longer so" in text_of(wrong)
    assert admin.post(f"{url}confirm/", {"shown": shown_on(page)}).status_code == 302
    assert admin.post(f"{url}confirm/", {"shown": shown_on(page)}).status_code == 302, "clicked twice"
    assert "being published" in text_of(admin.get(url))
    desk.work()
    done = text_of(admin.get(url))
    assert "The gated version is" in done
    assert "Ada confirmed the plan" in done
    assert len(desk.live(account, product)) == 3
    overview = text_of(admin.get("/catalogue/publishing/"))
    assert "Queue" in overview
    desk.read()
    again = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))["Location"]
    desk.work()
    said = text_of(admin.get(again))
    assert "Gated already, these stay as they are: v2 (gated)" in said
    assert admin.get(f"/catalogue/products/{product.product_id}/publish/").status_code == 200


def test_a_product_is_known_as_gated_in_the_moment_its_publication_is_done(account: Account, admin: Client) -> None:
    product, _ = desk.filled(account)
    covering.cover(clock.now(), 30)
    page = f"/catalogue/products/{product.product_id}/"
    assert "Launches without asking" in text_of(admin.get(page))
    assert "button button-main" in admin.get(page).content.decode()
    url = admin.post(f"{page}publish/plan/", asked(product))["Location"]
    desk.work()
    admin.post(f"{url}confirm/", {"shown": shown_on(admin.get(url))})
    desk.work()
    product.refresh_from_db()
    assert Risk(product.risk) is Risk.RECEIPT
    assert product.open_versions == 0
    said = text_of(admin.get(page))
    assert "Gated, with receipt" in said
    assert "Launches without asking" not in said
    assert "Not known" not in said
    assert "Queue" in text_of(admin.get("/catalogue/?risk=7"))
    assert "button button-main" not in admin.get(page).content.decode(), "there is nothing to gate"
    done = admin.get(url)
    assert "Queue is gated" in text_of(done)
    assert "Open Queue" in text_of(done)
    desk.read()
    product.refresh_from_db()
    assert Risk(product.risk) is Risk.RECEIPT, "the reading finds nothing else"


def test_confirming_asks_for_a_fresh_proof_of_who_it_is(account: Account, cast: Cast, client_for: SignIn) -> None:
    product, _ = desk.filled(account)
    admin = client_for(cast.administrator)
    url = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))["Location"]
    portfolio = f"/catalogue/portfolios/{Portfolio.objects.get().pk}/publish/plan/"
    desk.work()
    shown = shown_on(admin.get(url))
    answer = admin.post(f"{url}confirm/", {"shown": shown})
    assert "/reauthenticate/" in answer["Location"]
    assert quote(url, safe="") in answer["Location"]
    assert Publication.objects.get().status == Status.PLANNED
    prove(admin)
    assert admin.post(f"{url}confirm/", {"shown": shown})["Location"] == url
    assert Publication.objects.get().status == Status.UNDER_WAY
    desk.work()
    prove(admin, minutes_ago=600)
    rollout = admin.post(portfolio, {"retire": "inactive"})["Location"]
    assert "/reauthenticate/" in admin.post(f"{rollout}confirm/", {"shown": "0" * 64})["Location"]


def test_changed_facts_are_said_on_the_page(account: Account, admin: Client) -> None:
    product, (first, _second) = desk.filled(account)
    url = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))["Location"]
    desk.work()
    shown = shown_on(admin.get(url))
    account.ended(account.launch(product.product_id, first, "in-between"))
    admin.post(f"{url}confirm/", {"shown": shown})
    desk.work()
    page = admin.get(url)
    assert "is no longer so" in text_of(page)
    assert "in-between" in text_of(page)
    assert shown_on(page) != shown


def test_only_administrators_act_and_auditors_read(account: Account, cast: Cast, client_for: SignIn) -> None:
    product, _ = desk.filled(account)
    admin = client_for(cast.administrator)
    form = f"/catalogue/products/{product.product_id}/publish/"
    url = admin.post(f"{form}plan/", asked(product))["Location"]
    desk.work()
    shown = shown_on(admin.get(url))
    auditor = client_for(cast.auditor)
    for path in (url, f"{url}live/", "/catalogue/publishing/"):
        assert auditor.get(path).status_code == 200
    assert 'name="shown"' not in auditor.get(url).content.decode()
    portfolio = Portfolio.objects.get()
    for person in (cast.auditor, cast.approver, cast.requester, cast.outsider):
        client = client_for(person)
        assert client.get(form).status_code == 404
        assert client.post(f"{form}plan/", asked(product)).status_code == 404
        assert client.post(f"/catalogue/portfolios/{portfolio.pk}/publish/plan/", asked(product)).status_code == 404
        for verb in ("confirm", "resume", "abandon"):
            assert client.post(f"{url}{verb}/", {"shown": shown}).status_code == 404
    for person in (cast.approver, cast.requester):
        assert client_for(person).get(url).status_code == 404
    assert Client().get(url).status_code == 302
    assert Publication.objects.get().status == Status.PLANNED
    assert admin.post(f"{url}delete/").status_code == 404


def test_where_publishing_is_off_the_pages_say_how_to_switch_it_on(
    account: Account, admin: Client, settings: Any
) -> None:
    product, _ = desk.filled(account)
    settings.GATEHOUSE_PUBLISHER_ROLE = ""
    for path in (
        f"/catalogue/products/{product.product_id}/publish/",
        "/catalogue/publishing/",
        f"/catalogue/portfolios/{Portfolio.objects.get().pk}/publish/",
    ):
        assert "AllowPublishing=yes" in text_of(admin.get(path))
    refused = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))
    assert refused.status_code == 409
    assert "switched off" in text_of(refused)
    assert admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", {"source": "pa-x"}).status_code == 422


def test_a_portfolio_is_planned_confirmed_and_reported(account: Account, admin: Client) -> None:
    portfolio = account.portfolio("Shop")
    account.product("First", template("one"), portfolio)
    account.product("=Second", template("two") | {"Hooks": {"X": {}}}, portfolio)
    desk.read()
    shop = Portfolio.objects.get(portfolio_id=portfolio)
    form = f"/catalogue/portfolios/{shop.pk}/publish/"
    assert "Plan it for 2 products" in text_of(admin.get(form))
    url = admin.post(f"{form}plan/", {"retire": "inactive", "gate_updates": "on"})["Location"]
    assert "being planned" in text_of(admin.get(url))
    desk.work()
    page = admin.get(url)
    assert "Publish 1 product" in text_of(page)
    assert "Hooks" in text_of(page)
    assert admin.post(f"{url}confirm/", {"shown": "0" * 64}).status_code == 409
    assert admin.post(f"{url}confirm/", {"shown": shown_on(page)}).status_code == 302
    assert admin.post(f"{url}confirm/", {"shown": shown_on(page)}).status_code == 302
    desk.work()
    assert "1 of 1" in text_of(admin.get(url))
    csv = admin.get(f"{url}report.csv").content.decode()
    assert "'=Second" in csv
    lines = {one["product"]: one for one in admin.get(f"{url}report.json").json()}
    assert lines["First"]["status"] == "done"
    assert lines["=Second"]["status"] == "refused"
    assert admin.get(f"{url}report.xml").status_code == 404
    assert admin.get(f"{url}live/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def in_chinese(admin: Client) -> Client:
    User.objects.update(language="zh-hans")
    return admin


def items_of(answer: Any, start: str) -> list[str]:
    found = re.findall(rf"{start}(.*?)</(?:li|div)>", answer.content.decode(), re.DOTALL)
    return [unescape(one).strip() for one in found]


def test_why_a_template_takes_no_gate_is_said_in_chinese(account: Account, admin: Client) -> None:
    product, _ = desk.filled(account, template("second") | {"Hooks": {"X": {}}})
    url = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))["Location"]
    desk.work()
    assert "It has a Hooks section" in text_of(admin.get(url))
    page = in_chinese(admin).get(url)
    said = items_of(page, '<div class="foreign">')[0]
    assert said.startswith("Queue 第 1 行：它有 Hooks 部分")
    assert not english_in(text_of(page))
    product.refresh_from_db()
    covering.cover(clock.now(), 30)
    page = admin.get(f"/catalogue/products/{product.product_id}/")
    assert "它没有关卡，也无法写入关卡：template 第 1 行：带有 Hooks 部分的模板不能加关卡。" in text_of(page)
    assert not english_in(text_of(page))


def test_what_to_know_about_a_gate_is_said_in_chinese(account: Account, admin: Client) -> None:
    product, _ = desk.filled(account, template("second") | {"Parameters": {"Key": {"Type": "String", "NoEcho": True}}})
    url = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))["Location"]
    desk.work()
    assert "made only after an approval." in text_of(admin.get(url))
    notes = items_of(in_chinese(admin).get(url), '<li class="foreign">')
    assert [note.partition(" ")[0] for note in notes] == [
        "其他资源都等待",
        "为申请人的电子邮件地址添加了参数",
        "仅更改以下参数时不询问任何人，因为它们是",
    ]
    assert not english_in(" ".join(notes))


def test_what_an_earlier_release_kept_as_text_is_shown_as_it_is(account: Account, admin: Client) -> None:
    product, _ = desk.filled(account)
    url = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))["Location"]
    desk.work()
    Publication.objects.update(notes=["The other resources wait for X, as 100% of them did."])
    assert "as 100% of them did." in text_of(in_chinese(admin).get(url))
    Publication.objects.update(
        status=Status.REFUSED, finished_at=clock.now(), error="gate", reason="Queue:1: No.", notes=[]
    )
    assert "Queue:1: No." in text_of(admin.get(url))


def test_a_failure_is_said_and_goes_on_or_is_abandoned(account: Account, admin: Client) -> None:
    product, _ = desk.filled(account)
    url = admin.post(f"/catalogue/products/{product.product_id}/publish/plan/", asked(product))["Location"]
    desk.work()
    one = Publication.objects.get()
    Publication.objects.update(
        status=Status.FAILED, error="denied:s3:PutObject", confirmed_at=clock.now(), facts=one.facts
    )
    said = text_of(admin.get(url))
    assert "may not do s3:PutObject" in said
    assert admin.post(f"{url}resume/").status_code == 302
    assert "being published" in text_of(admin.get(url))
    assert admin.post(f"{url}abandon/").status_code == 302
    assert "abandoned" in text_of(admin.get(url))
    assert "Plan it again" in text_of(admin.get(url))
