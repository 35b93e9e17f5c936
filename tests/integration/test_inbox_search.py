"""Searching the inbox: words and prefixes of everything a request is known by, and of nothing that is hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.test import Client

from approvals import names
from approvals.inbox.terms import LONGEST, MOST_TERMS, terms_of, words
from approvals.models import LaunchRequest, Membership, Team
from portal.accounts.models import User
from portal.clock import now
from tests.integration.test_inbox import numbers
from tests.support.cast import Cast
from tests.support.launches import open_launch

SignIn = Callable[[User], Client]


def parameter(value: str | None, *, no_echo: bool = False) -> dict[str, Any]:
    return {"name": "Key", "value": value, "no_echo": no_echo, "sha256": "a" * 64, "length": 5}


@pytest.fixture
def approver(cast: Cast, client_for: SignIn) -> Client:
    return client_for(cast.approver)


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    open_launch(now(), email="ravi@example.com", product_id="prod-other", parameters=[parameter("c9.large")])
    return open_launch(
        now(),
        provisioned_product_name="Größe-ﬁnal",
        product_id="prod-db",
        parameters=[
            parameter("m7g.Xlarge"),
            parameter("hush-hush", no_echo=True),
            parameter("****"),
            parameter(None),
            parameter("数据库平台"),
            parameter("O'Neill \\ & | ! :* back\\slash"),
        ],
    )


def found(client: Client, text: str) -> list[str]:
    return numbers(client, f"q={quote(text)}")


@pytest.mark.parametrize(
    "text",
    [
        "prod-db",
        "prod-d",
        "rita",
        "RITA@EXAMPLE.COM",
        "rit",
        "grösse",
        "GRÖSSE-FINAL",
        "m7g.xl",
        "xlarge",
        "Rita m7g",
        "数据库",
        "据库",
        "O'Neill",
        "back\\slash",
        "rita, (m7g)",
        "AWSReservedSSO_Developer/rita",
        "ri\u200bta",
    ],
)
def test_it_is_found_by(approver: Client, launch: LaunchRequest, text: str) -> None:
    assert found(approver, text) == [launch.number]


@pytest.mark.parametrize("text", ["hush", "rita ravi", "large.m7g", "arge", "zebra"])
def test_it_is_not_found_by(approver: Client, launch: LaunchRequest, text: str) -> None:
    assert found(approver, text) == []


def test_a_number_finds_its_request(approver: Client, launch: LaunchRequest) -> None:
    for text in (launch.number, launch.number.lower(), f"gh{launch.pk}", f"{launch.number} rita"):
        assert found(approver, text) == [launch.number]
    assert launch.number in found(approver, str(launch.pk))
    assert found(approver, f"{launch.number} ravi") == []
    assert found(approver, "GH-999999999999999999") == []


@pytest.mark.parametrize("text", ["a\\", "'", "''':*", "\\'", "a:*|b", "%", "a b c d e f g h i j k l", "\ufdfa", "😀"])
def test_no_text_breaks_the_search(approver: Client, launch: LaunchRequest, text: str) -> None:
    assert approver.get("/desk/", {"q": text}).status_code == 200


def test_what_is_kept_is_bounded(cast: Cast) -> None:
    huge = open_launch(now(), parameters=[parameter(" ".join(f"w{n}-{m}" for n in range(90))) for m in range(90)])
    assert len(huge.search_terms) == MOST_TERMS
    long = open_launch(now(), parameters=[parameter("x" * 4000)])
    assert max(map(len, long.search_terms)) <= LONGEST
    assert "" not in long.search_terms


def test_what_cannot_be_seen_is_no_part_of_a_word() -> None:
    assert words("\u202eri\u200bta\x00 \ud800") == ["rita"]
    assert words(" -- / () ") == []


def test_a_name_that_the_catalogue_learns_later_is_found(approver: Client, launch: LaunchRequest) -> None:
    from catalog.models import Product

    Product.objects.create(product_id="prod-db", account="1" * 12, region="r", name="Database, big", updated_at=now())
    names.fill()
    assert found(approver, "database") == [launch.number]


def test_older_requests_get_their_terms_by_the_command(approver: Client, launch: LaunchRequest) -> None:
    LaunchRequest.objects.update(search_terms=["old"])
    call_command("fill_inbox")
    assert found(approver, "m7g.xlarge") == [launch.number]
    launch.refresh_from_db()
    assert launch.search_terms == terms_of(launch)


@pytest.mark.parametrize("said", ["GH-{pk}", "gh{pk}", "{pk}", "{pk}?"])
def test_a_number_that_stands_in_another_list_is_said(approver: Client, cast: Cast, said: str) -> None:
    decided = open_launch(now(), product_id="prod-done")
    LaunchRequest.objects.filter(pk=decided.pk).update(state="approved", search_terms=[])
    answer = approver.get("/desk/", {"q": said.format(pk=decided.pk)}).content.decode()
    assert f"{decided.number} is in the list “Decided”:" in answer
    assert f'href="{decided.get_absolute_url()}">prod-done</a>' in answer
    there = approver.get("/desk/", {"tab": "decided", "q": said.format(pk=decided.pk)}).content.decode()
    assert "is in the list" not in there


def test_a_number_of_another_team_s_request_is_nowhere(cast: Cast, client_for: SignIn) -> None:
    launch = open_launch(now())
    Membership.objects.create(team=Team.objects.create(name="Others"), person=cast.outsider)
    answer = client_for(cast.outsider).get("/desk/", {"q": launch.number}).content.decode()
    assert "is in the list" not in answer
