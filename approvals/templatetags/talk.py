"""The conversation of a request, for the templates of its page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from approvals.models import LaunchRequest
from approvals.replies import untaken
from approvals.talk import files, mentions, sniffing, thread
from approvals.talk.markdown import render
from portal import clock
from portal.accounts.models import User

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """What somebody wrote, as HTML; to be shown with class "foreign"."""
    return render(text)


@register.simple_tag
def thread_of(launch: LaunchRequest, person: User) -> thread.Page:
    """The newest messages as this person may see them."""
    return thread.page(launch, person, clock.now())


@register.simple_tag
def untaken_of(launch: LaunchRequest, person: User) -> list[untaken.Untaken]:
    """Replies by e-mail that are not in the conversation, and why."""
    return untaken.untaken(launch, person)


@register.simple_tag
def nameable(launch: LaunchRequest, person: User, kind: str) -> list[tuple[str, str]]:
    """(what to write, who it is) of everybody whom this person may name; kind "note" for internal notes."""
    people = mentions.nameable(launch, person, note=kind == "note")
    return [(mentions.labels(one)[0], str(one)) for one in people]


@register.simple_tag
def file_limits() -> dict[str, Any]:
    """What a message takes along; empty where the desk takes no files."""
    if not files.are_on():
        return {}
    accepted = ",".join(f".{ending}" for ending in sniffing.ENDINGS)
    return {"most": files.MOST, "largest": files.LARGEST // 1024**2, "accept": accepted}
