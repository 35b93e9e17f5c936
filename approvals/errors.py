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
    PAGE_IS_STALE = "page_is_stale"
    NAME_NOT_TYPED = "name_not_typed"
    NOT_PROVEN = "not_proven"
    ALREADY_MARKED = "already_marked"
    TEXT_MISSING = "text_missing"
    TEXT_TOO_LONG = "text_too_long"
    EDITING_OVER = "editing_over"
    EDITED_TOO_OFTEN = "edited_too_often"
    SAID_TOO_MUCH = "said_too_much"
    FILES_OFF = "files_off"
    FILES_TOO_MANY = "files_too_many"
    FILES_FULL = "files_full"
    FILES_DOWN = "files_down"
    FILE_EMPTY = "file_empty"
    FILE_TOO_LARGE = "file_too_large"
    FILE_NOT_TAKEN = "file_not_taken"
    PLAN_CHANGED = "plan_changed"
    PUBLISHING_OFF = "publishing_off"
    PUBLISHING_ALREADY = "publishing_already"
    PROVE_AGAIN = "prove_again"
    OWN_RIGHTS = "own_rights"
    LAST_ADMINISTRATOR = "last_administrator"
    DEACTIVATED = "deactivated"
    NAME_TAKEN = "name_taken"
    NO_ADDRESS = "no_address"
    NOT_HERE = "not_here"
    HAS_COME = "has_come"
    INVITED_JUST_NOW = "invited_just_now"


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
    Why.PAGE_IS_STALE: _(
        "Something has changed since you opened this page, so nothing was decided. Look again, then decide."
    ),
    Why.NAME_NOT_TYPED: _("This is sensitive. To approve it, type “%(name)s” on its page. Nothing was changed."),
    Why.NOT_PROVEN: _("This is sensitive. Prove once more that it is you, then approve it. Nothing was changed."),
    Why.ALREADY_MARKED: _("There is one like this already; remove or change that one."),
    Why.TEXT_MISSING: _("Please write a sentence; the other side reads it."),
    Why.TEXT_TOO_LONG: _("The text is too long: at most %(limit)d characters."),
    Why.EDITING_OVER: _("A message can be changed for half an hour while its request is open. Write a new one."),
    Why.EDITED_TOO_OFTEN: _("A message can be changed at most %(limit)d times. Write a new one."),
    Why.SAID_TOO_MUCH: _(
        "You have written %(limit)d messages and changes here within an hour, and that is the most. Nothing was sent;"
        " please go on later."
    ),
    Why.FILES_OFF: _("This desk takes no files. Nothing was sent."),
    Why.FILES_TOO_MANY: _("A message takes at most %(limit)d files. Nothing was sent."),
    Why.FILES_FULL: _("The files of one request take at most %(limit)d MB together. Nothing was sent."),
    Why.FILES_DOWN: _("The files could not be stored at the moment. Nothing was sent; please try again."),
    Why.FILE_EMPTY: _("The file “%(name)s” is empty. Nothing was sent."),
    Why.FILE_TOO_LARGE: _("The file “%(name)s” is larger than %(limit)d MB. Nothing was sent."),
    Why.FILE_NOT_TAKEN: _(
        "The file “%(name)s” cannot be taken: its content has to be what its name says, and one of these: %(endings)s."
        " Text has to be UTF-8. Nothing was sent."
    ),
    Why.PLAN_CHANGED: _("What you were shown is no longer so. Nothing was done: look again, then confirm."),
    Why.PUBLISHING_OFF: _("Publishing is switched off for this desk."),
    Why.PROVE_AGAIN: _("Nothing was changed yet: confirm that it is you, then do it again."),
    Why.OWN_RIGHTS: _("Nobody takes these rights from themselves. Another administrator can."),
    Why.LAST_ADMINISTRATOR: _("This is the last active administrator. Make somebody else one first."),
    Why.DEACTIVATED: _("This account was deactivated. Reactivate it first."),
    Why.NAME_TAKEN: _("There is a team with this name already."),
    Why.NO_ADDRESS: _("Addresses here are of plain letters and digits: others only look alike. Nobody was invited."),
    Why.NOT_HERE: _("Nobody here has this address. Invite them first."),
    Why.HAS_COME: _("There is no invitation that waits: they have signed in already, or were never invited."),
    Why.INVITED_JUST_NOW: _("They were invited a moment ago. Wait %(minutes)d minutes before you invite them again."),
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
            Why.NAME_NOT_TYPED: 422,
            Why.NOT_PROVEN: 403,
            Why.TEXT_MISSING: 422,
            Why.TEXT_TOO_LONG: 422,
            Why.SAID_TOO_MUCH: 429,
            Why.FILES_TOO_MANY: 422,
            Why.FILES_FULL: 422,
            Why.FILES_DOWN: 503,
            Why.FILE_EMPTY: 422,
            Why.FILE_TOO_LARGE: 422,
            Why.FILE_NOT_TAKEN: 422,
        }.get(self.why, 409)
