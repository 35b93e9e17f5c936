"""Who was invited and has not come; who is put into a team from the team's side; and what the boxes show."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from approvals.actions.inviting import PAUSE, invite_again
from approvals.actor import Actor
from approvals.choices import Channel, NoticeCode
from approvals.errors import Refused, Why
from approvals.models import AuditEvent, Membership, Notice, Team
from portal.accounts.models import User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.proving import prove

pytestmark = pytest.mark.usefixtures("fresh_limits")


@pytest.fixture
def ada(cast: Cast, client_for: Any) -> Client:
    client: Client = prove(client_for(cast.administrator))
    return client


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def invited(ada: Client, address: str = "nadia@example.com") -> User:
    ada.post("/people/invite/", {"address": address, "name": "Nadia"})
    return User.objects.get(email=address)


def test_who_was_invited_and_has_not_come_is_said(cast: Cast, ada: Client) -> None:
    nadia = invited(ada)
    assert "Invited, not signed in yet: " in text_of(ada.get(f"/people/{nadia.uuid}/"))
    assert "Invited, not signed in yet: " in text_of(ada.get("/people/?q=nadia"))
    assert "Invited" not in text_of(ada.get(f"/people/{cast.outsider.uuid}/")), "nobody invited them"
    User.objects.filter(pk=nadia.pk).update(last_login=now())
    assert "not signed in yet" not in text_of(ada.get(f"/people/{nadia.uuid}/"))


def test_an_invitation_is_sent_again_and_written_down_but_not_at_once(cast: Cast, ada: Client) -> None:
    nadia = invited(ada)
    again = ada.post(f"/people/{nadia.uuid}/invite-again/", follow=True)
    assert "They were invited a moment ago. Wait 10 minutes" in text_of(again)
    assert Notice.objects.filter(code=NoticeCode.INVITED).count() == 1
    administrator = Actor(cast.administrator, Channel.DESK)
    invite_again(nadia.pk, actor=administrator, now=now() + PAUSE + timedelta(seconds=1))
    assert Notice.objects.filter(code=NoticeCode.INVITED).count() == 2
    assert AuditEvent.objects.filter(code="person_invited", params__person=nadia.pk).count() == 2


def test_who_has_come_or_was_never_invited_gets_no_invitation(cast: Cast, ada: Client) -> None:
    nadia, later = invited(ada), now() + timedelta(days=1)
    User.objects.filter(pk=nadia.pk).update(last_login=now())
    for person in (nadia, cast.outsider):
        with pytest.raises(Refused) as refused:
            invite_again(person.pk, actor=Actor(cast.administrator, Channel.DESK), now=later)
        assert refused.value.why is Why.HAS_COME
    with pytest.raises(Refused) as refused:
        invite_again(nadia.pk, actor=Actor(cast.approver, Channel.DESK), now=later)
    assert refused.value.why is Why.NOT_ALLOWED


def test_a_member_is_added_on_the_page_of_teams(cast: Cast, ada: Client) -> None:
    team = Team.objects.create(name="Data owners")
    here = f"/people/teams/{team.pk}/join/"
    ada.post(here, {"address": "Rita@example.com ", "may_decide": "on"})
    member = Membership.objects.get(team=team)
    assert (member.person, member.may_decide, member.is_notified) == (cast.requester, True, False)
    for address in ("nobody@example.com", "nonsense", ""):
        answer = ada.post(here, {"address": address}, follow=True)
        assert "Nobody here has this address. Invite them first." in text_of(answer)
    assert Membership.objects.filter(team=team).count() == 1


def test_adding_a_member_needs_a_proof(cast: Cast, client_for: Any) -> None:
    client = client_for(cast.administrator)
    answer = client.post(f"/people/teams/{cast.team.pk}/join/", {"address": cast.outsider.email, "may_decide": "on"})
    assert "reauthenticate" in answer["Location"]
    assert not Membership.objects.filter(person=cast.outsider).exists()
    page = text_of(client.get(answer["Location"]))
    assert "You are about to change who decides." in page


def test_the_boxes_of_a_membership_show_what_the_person_has(cast: Cast, ada: Client) -> None:
    other = Team.objects.create(name="Data owners")
    Membership.objects.filter(person=cast.approver).update(may_decide=True, is_notified=False)
    html = ada.get(f"/people/{cast.approver.uuid}/").content.decode()
    boxes = dict(re.findall(r'name="(may_decide|is_notified)" form="member-\d+"( checked)?', html))
    assert boxes == {"may_decide": " checked", "is_notified": ""}
    assert re.findall(r'<option value="(\d+)"', html) == [str(other.pk)], "the team they are in is no choice"
    Membership.objects.create(team=other, person=cast.approver)
    assert "Put into a team" not in text_of(ada.get(f"/people/{cast.approver.uuid}/"))
