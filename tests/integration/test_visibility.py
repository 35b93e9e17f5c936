"""Who may see and do what at the desk: every page times every role."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from approvals.choices import State
from approvals.models import LaunchRequest, Membership, Team
from approvals.review import seen
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

ROLES = [
    "administrator",
    "approver",
    "second_approver",
    "requester",
    "other_requester",
    "auditor",
    "outsider",
    "other_team",
    "anonymous",
]
SEE = {"administrator", "approver", "second_approver", "requester", "auditor"}
AWAY = {role: 302 if role == "anonymous" else 404 for role in ROLES if role not in SEE}
# What each role gets from each verb on an open request of Rita's; 302 is the redirect after success.
VERBS: dict[str, dict[str, int]] = {
    "approve": {"approver": 302, "second_approver": 302, "requester": 403, "auditor": 403, "administrator": 403},
    "reject": {"approver": 302, "second_approver": 302, "requester": 403, "auditor": 403, "administrator": 403},
    "ask": {"approver": 302, "second_approver": 302, "requester": 403, "auditor": 403, "administrator": 403},
    "note": {"approver": 302, "second_approver": 302, "requester": 403, "auditor": 403, "administrator": 302},
    "comment": {"approver": 302, "second_approver": 302, "requester": 302, "auditor": 403, "administrator": 302},
    "withdraw": {"approver": 403, "second_approver": 403, "requester": 302, "auditor": 403, "administrator": 403},
    "answer": {"approver": 403, "second_approver": 403, "requester": 409, "auditor": 403, "administrator": 403},
}
# Whoever has the address may: tests/integration/test_badge.py, test_mail_wishes.py.
OPEN_BY_ADDRESS = {"badge", "mails_stop"}
ClientOf = Callable[[str], Client]


@pytest.fixture
def client_of(cast: Cast, client_for: Callable[[User], Client]) -> ClientOf:
    stranger = User.objects.create_user("tom@example.com", name="Tom")
    Membership.objects.create(team=Team.objects.create(name="Another team"), person=stranger)

    def client(role: str) -> Client:
        if role == "anonymous":
            return Client()
        return client_for(stranger if role == "other_team" else getattr(cast, role))

    return client


@pytest.fixture
def launch(cast: Cast) -> LaunchRequest:
    return open_launch(now())


@pytest.mark.parametrize("role", ROLES)
def test_a_request_is_seen_by_its_people_and_does_not_exist_for_others(
    client_of: ClientOf, launch: LaunchRequest, role: str
) -> None:
    client = client_of(role)
    page = launch.get_absolute_url()
    assert client.get(page).status_code == AWAY.get(role, 200)
    assert client.get(f"{page}live/").status_code == AWAY.get(role, 200)
    assert client.get(f"/f/{launch.fingerprint}/").status_code == AWAY.get(role, 302)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", ROLES)
def test_every_verb_asks_who_is_asking(client_of: ClientOf, launch: LaunchRequest, role: str, verb: str) -> None:
    answer = client_of(role).post(
        f"{launch.get_absolute_url()}{verb}/", {"text": "A sentence.", "seen": seen.token(launch)}
    )
    assert answer.status_code == (AWAY | VERBS[verb])[role]
    launch.refresh_from_db()
    changed = launch.state != State.PENDING or launch.messages.exists()
    assert changed == (role != "anonymous" and answer.status_code == 302)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/desk/", {"administrator", "approver", "second_approver", "auditor", "other_team"}),
        ("/desk/live/", {"administrator", "approver", "second_approver", "auditor", "other_team"}),
        ("/operations/", {"administrator", "auditor"}),
        ("/requests/", set(ROLES)),
        ("/preferences/", set(ROLES)),
    ],
)
@pytest.mark.parametrize("role", ROLES)
def test_each_section_has_its_people(client_of: ClientOf, role: str, path: str, allowed: set[str]) -> None:
    expected = 302 if role == "anonymous" else 200 if role in allowed else 404
    assert client_of(role).get(path).status_code == expected


@pytest.mark.parametrize("role", ROLES)
def test_lists_show_only_what_the_person_may_see(client_of: ClientOf, launch: LaunchRequest, role: str) -> None:
    client = client_of(role)
    desk = launch.number.encode() in client.get("/desk/").content
    own = launch.number.encode() in client.get("/requests/").content
    assert desk == (role in {"administrator", "approver", "second_approver", "auditor"})
    assert own == (role == "requester")


def test_everybody_starts_where_their_work_is(client_of: ClientOf) -> None:
    starts = {role: client_of(role).get("/")["Location"].partition("?")[0] for role in ROLES}
    assert starts == {
        "administrator": "/desk/",
        "approver": "/desk/",
        "second_approver": "/desk/",
        "other_team": "/desk/",
        "auditor": "/desk/",
        "requester": "/requests/",
        "other_requester": "/requests/",
        "outsider": "/requests/",
        "anonymous": "/accounts/login/",
    }


def test_rights_taken_away_while_a_page_is_open_are_refused_when_the_button_is_pressed(
    cast: Cast, client_of: ClientOf, launch: LaunchRequest
) -> None:
    client = client_of("approver")
    assert client.get(launch.get_absolute_url()).status_code == 200
    Membership.objects.filter(person=cast.approver).delete()
    assert client.post(f"{launch.get_absolute_url()}approve/").status_code == 404
    launch.refresh_from_db()
    assert launch.is_open


def test_an_approver_does_not_decide_on_a_launch_of_their_own(cast: Cast, client_for: Callable[[User], Client]) -> None:
    own = open_launch(now(), email=cast.approver.email)
    client = client_for(cast.approver)
    page = client.get(own.get_absolute_url())
    assert b"somebody else has to decide" in page.content
    assert b"Your decision" not in page.content
    answer = client.post(f"{own.get_absolute_url()}approve/")
    assert answer.status_code == 403
    assert b"Nobody decides on a launch of their own" in answer.content


def test_notes_among_approvers_never_reach_the_requester(client_of: ClientOf, launch: LaunchRequest) -> None:
    page = launch.get_absolute_url()
    client_of("approver").post(f"{page}note/", {"text": "Looks like last time."})
    for role in ("approver", "second_approver", "administrator", "auditor"):
        assert b"Looks like last time." in client_of(role).get(page).content
    for path in (page, f"{page}live/"):
        content = client_of("requester").get(path).content
        assert b"Looks like last time." not in content
        assert b"internal note" not in content


def patterns(found: Any = None, prefix: str = "") -> list[tuple[str, URLPattern]]:
    result: list[tuple[str, URLPattern]] = []
    for item in (found or get_resolver()).url_patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            result += patterns(item, route)
        else:
            result.append((route, item))
    return result


def our_pages(launch: LaunchRequest) -> list[str]:
    """Every address of approvals.urls, filled in."""
    known = {
        "<uuid:uuid>": str(launch.uuid),
        "<slug:verb>": "approve",
        "<str:kind>": "csv",
        "<slug:product_id>": "prod-1",
        "<slug:thing>": "alarms",
        "<slug:code>/<slug:role>/<slug:end>": "decided/requester/approved",
        "<slug:code>/<slug:role>": "opened/desk",
        "<int:pk>": "1",
        r"^f/(?P<fingerprint>[0-9a-f]{64})/$": f"f/{launch.fingerprint}/",
    }
    pages = []
    for route, item in patterns():
        if item.callback.__module__.startswith("approvals.views") and item.name not in OPEN_BY_ADDRESS:
            for part, value in known.items():
                route = route.replace(part, value)
            pages.append("/" + route)
    return pages


def test_no_page_of_the_desk_is_open_to_strangers_and_none_is_kept_by_a_cache(
    cast: Cast, launch: LaunchRequest, client_of: ClientOf
) -> None:
    pages = our_pages(launch)
    assert len(pages) > 8
    for page in pages:
        for answer in (Client().get(page), Client().post(page)):
            assert answer.status_code in (302, 405), page
            if answer.status_code == 302:
                assert answer["Location"].startswith("/accounts/login/"), page
        for role in ("approver", "administrator"):
            answer = client_of(role).get(page)
            if answer.status_code in (200, 302):
                assert "no-store" in answer["Cache-Control"], page


def test_reading_changes_nothing_and_writing_needs_a_post(launch: LaunchRequest, client_of: ClientOf) -> None:
    client = client_of("approver")
    for page in our_pages(launch):
        for method in ("get", "head", "options"):
            getattr(client, method)(page)
        hidden = {404} if client.get(page).status_code == 404 else set()
        if client.get(page).status_code != 405:
            assert client.post(page).status_code in {405, *hidden}, page
        for method in ("put", "patch", "delete"):
            assert getattr(client, method)(page).status_code == 405, page
    launch.refresh_from_db()
    assert launch.is_open


def test_a_form_without_its_token_changes_nothing(cast: Cast, launch: LaunchRequest) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.approver)
    for page in [*our_pages(launch), "/accounts/login/", "/accounts/logout/", "/language/", "/preferences/"]:
        answer = client.post(page, {"text": "x"})
        assert answer.status_code == 403, page
        assert b"This form was too old" in answer.content
    launch.refresh_from_db()
    assert launch.is_open
