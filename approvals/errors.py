"""What a verb answers when it does not act: a code, and a sentence for the person."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class Why(StrEnum):
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    OWN_REQUEST = "own_request"
    ALREADY_DECIDED = "already_decided"
    ALREADY_VOTED = "already_voted"
    CLOSED = "closed"
    NOT_LEGAL = "not_legal"
    DEADLINE_PASSED = "deadline_passed"
    UNUSABLE = "unusable"
    DISPUTED = "disputed"
    TEXT_MISSING = "text_missing"
    TEXT_TOO_LONG = "text_too_long"
    PLAN_CHANGED = "plan_changed"
    PUBLISHING_OFF = "publishing_off"
    PUBLISHING_ALREADY = "publishing_already"


_SENTENCES = {
    Why.NOT_FOUND: _("There is no such request."),
    Why.NOT_ALLOWED: _("You may not do this with this request."),
    Why.OWN_REQUEST: _("Nobody decides on a launch of their own. Another approver has to look at it."),
    Why.ALREADY_DECIDED: _("%(who)s has already decided: %(state)s. Nothing was changed."),
    Why.ALREADY_VOTED: _("You have already decided on this request. Nothing was changed."),
    Why.CLOSED: _("This request is closed: %(state)s. Nothing was changed."),
    Why.NOT_LEGAL: _("This is not possible while the request is in the state “%(state)s”."),
    Why.DEADLINE_PASSED: _("The time to decide is over; CloudFormation rolls the stack back."),
    Why.UNUSABLE: _("This launch cannot be decided from the desk: %(reason)s"),
    Why.DISPUTED: _(
        "This launch was announced twice with different facts, so one of them is not true. You can reject it. It can"
        " be approved when an administrator has looked at the alarm and acknowledged it."
    ),
    Why.TEXT_MISSING: _("Please write a sentence; the other side reads it."),
    Why.TEXT_TOO_LONG: _("The text is too long: at most %(limit)d characters."),
    Why.PLAN_CHANGED: _("What you were shown is no longer so. Nothing was done: look again, then confirm."),
    Why.PUBLISHING_OFF: _("Publishing is switched off for this desk."),
    Why.PUBLISHING_ALREADY: _("This product is being published already. Let that end, or abandon it first."),
}


class Refused(Exception):
    """A verb was not carried out and nothing was changed. `sentence` is for people, `why` for programs."""

    def __init__(self, why: Why, **params: object) -> None:
        super().__init__(why.value)
        self.why = why
        self.params = params

    @property
    def sentence(self) -> str:
        return str(_SENTENCES[self.why]) % self.params

    @property
    def http_status(self) -> int:
        return {
            Why.NOT_FOUND: 404,
            Why.NOT_ALLOWED: 403,
            Why.OWN_REQUEST: 403,
            Why.TEXT_MISSING: 422,
            Why.TEXT_TOO_LONG: 422,
        }.get(self.why, 409)
