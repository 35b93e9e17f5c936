"""Teams and who is in them: an administrator's verbs, audited on the chain `people`.

Invariant: whoever changes something has just proved who they are. Names too: GATEHOUSE_GROUPS finds teams by them.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Upper

from approvals import audit
from approvals.actions import people
from approvals.actions.base import clean_text
from approvals.actions.guards import must_be_fresh
from approvals.actor import Actor
from approvals.errors import Refused, Why
from approvals.models import Team


def put_into_team(
    pk: int, team_pk: int, *, may_decide: bool, is_notified: bool, is_fresh: bool, actor: Actor, now: datetime
) -> None:
    """Make somebody a member, or change what their membership means. Raises Refused."""
    must_be_fresh(is_fresh)
    with people.in_turn(actor):
        person, team = people.locked_person(pk), _locked(team_pk)
        joined = people.join(person, team, may_decide=may_decide, is_notified=is_notified, actor=actor, now=now)
        people.tell(joined, now)


def take_out_of_team(pk: int, team_pk: int, *, is_fresh: bool, actor: Actor, now: datetime) -> None:
    must_be_fresh(is_fresh)
    with people.in_turn(actor):
        people.tell(people.leave(people.locked_person(pk), _locked(team_pk), actor, now), now)


def add_team(name: str, *, is_fresh: bool, actor: Actor, now: datetime) -> Team:
    """The first one is the default. Raises Refused, also where the name is taken."""
    must_be_fresh(is_fresh)
    with people.in_turn(actor):
        team = Team.objects.create(name=_free(name), is_default=not Team.objects.exists())
        _record(team, audit.Event.TEAM_ADDED, actor, now)
        return team


def rename_team(pk: int, name: str, *, is_fresh: bool, actor: Actor, now: datetime) -> None:
    must_be_fresh(is_fresh)
    with people.in_turn(actor):
        team = _locked(pk)
        name = _free(name, but=pk)
        if team.name != name:
            team.name = name
            team.save(update_fields=["name"])
            _record(team, audit.Event.TEAM_RENAMED, actor, now)


def make_default(pk: int, *, is_fresh: bool, actor: Actor, now: datetime) -> None:
    """Requests that no policy routes elsewhere come to this team from now on; those that are open stay where they
    are. It says who decides, so only whoever has just proved who they are does it. Raises Refused."""
    must_be_fresh(is_fresh)
    with people.in_turn(actor), transaction.atomic():
        team = _locked(pk)
        if team.is_default:
            return
        Team.objects.filter(is_default=True).update(is_default=False)
        team.is_default = True
        team.save(update_fields=["is_default"])
        _record(team, audit.Event.TEAM_MADE_DEFAULT, actor, now)


def _free(name: str, but: int = 0) -> str:
    name = clean_text(name, required=True).replace("\n", " ")[:100]
    taken = Team.objects.annotate(upper=Upper("name")).filter(upper=name.upper()).exclude(pk=but)
    if taken.exists():
        raise Refused(Why.NAME_TAKEN)
    return name


def _locked(pk: int) -> Team:
    team = Team.objects.select_for_update().filter(pk=pk).first()
    if team is None:
        raise Refused(Why.NOT_FOUND)
    return team


def _record(team: Team, event: audit.Event, actor: Actor, now: datetime) -> None:
    audit.record(people.PEOPLE, event, actor=actor, now=now, params={"team": team.pk}, texts={"team": team.name})
