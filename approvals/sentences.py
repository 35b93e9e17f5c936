"""Audit events as sentences, in the reader's language. Codes and parameters are stored; sentences never are."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from approvals.audit import Event
from approvals.choices import AlarmCode, Outcome, SignalStatus, Verdict
from approvals.models import AuditEvent
from catalog.models.publishing import Retirement
from portal.phrases import headed


def sentence(event: AuditEvent) -> str:
    """One line without a trailing full stop's worth of blame: who did what."""
    who = str(event.actor) if event.actor else _("Gatehouse")
    if event.on_behalf_of:
        who = _("%(who)s for %(other)s") % {"who": who, "other": event.on_behalf_of}
    return _SENTENCES[Event(event.code)](event) % {"who": who}


def _plain(text: Callable[[], str]) -> Callable[[AuditEvent], str]:
    return lambda _event: text()


def _voted(event: AuditEvent) -> str:
    if event.params.get("verdict") == Verdict.APPROVED:
        return _("%(who)s voted to approve")
    return _("%(who)s voted to reject")


def _withdrawn(event: AuditEvent) -> str:
    reason = next((text.text for text in event.texts.all() if text.name == "reason"), "").replace("%", "%%")
    if event.actor_id:
        said = _("%(who)s withdrew the request")
    else:
        said = _("The request was withdrawn because its stack went away")
    return headed(said, reason) if reason else said


def _by_link(event: AuditEvent) -> str:
    by = next((text.text for text in event.texts.all() if text.name == "by"), "").replace("%", "%%")
    if event.params.get("verdict") == Verdict.APPROVED:
        return _("Approved by e-mail link, in the name of %(by)s") % {"by": by or "?"}
    return _("Rejected by e-mail link, in the name of %(by)s") % {"by": by or "?"}


def _updater(event: AuditEvent) -> str:
    principal = next((text.text for text in event.texts.all()), "").replace("%", "%%")
    return _("CloudTrail names who started the update: %(principal)s") % {"principal": principal}


def _outcome(event: AuditEvent) -> str:
    label = str(Outcome(event.params["outcome"]).label)
    return _("CloudFormation: %(outcome)s") % {"outcome": label.replace("%", "%%")}


def _alarm(event: AuditEvent) -> str:
    label = str(AlarmCode(event.params["code"]).label)
    return _("Alarm: %(alarm)s") % {"alarm": label.replace("%", "%%")}


def _place(text: Callable[[], str]) -> Callable[[AuditEvent], str]:
    return lambda event: text().replace("%(place)s", f"{event.params.get('account')} {event.params.get('region')}")


def _named(text: Callable[[], str], **names: str) -> Callable[[AuditEvent], str]:
    """`names`: placeholder → parameter of the event."""

    def say(event: AuditEvent) -> str:
        said = text()
        for name, parameter in names.items():
            said = said.replace(f"%({name})s", str(event.params.get(parameter) or "–").replace("%", "%%"))
        return said

    return say


def _retired(event: AuditEvent) -> str:
    if event.params.get("retire") == Retirement.DEPRECATED:
        return _named(lambda: _("Version %(version)s was deprecated"), version="version")(event)
    return _named(lambda: _("Version %(version)s was made inactive"), version="version")(event)


def _stored(_event: AuditEvent) -> str:
    return _("The decision was handed to CloudFormation (%(state)s)") % {
        "state": str(SignalStatus.STORED.label).replace("%", "%%")
    }


def _texted(text: Callable[[], str]) -> Callable[[AuditEvent], str]:
    """%(name)s is the event's text of that name."""

    def say(event: AuditEvent) -> str:
        name = next((one.text for one in event.texts.all() if one.name == "name"), "")
        return text().replace("%(name)s", name.replace("%", "%%") or "–")

    return say


def _about(text: Callable[[], str]) -> Callable[[AuditEvent], str]:
    """With the texts of the event: whom it was about, and which team."""

    def say(event: AuditEvent) -> str:
        said = text()
        for name in ("whom", "team"):
            found = next((one.text for one in event.texts.all() if one.name == name), "") or "–"
            said = said.replace(f"%({name})s", found.replace("%", "%%"))
        return said

    return say


def _role(given: Callable[[], str], taken: Callable[[], str]) -> Callable[[AuditEvent], str]:
    """Sentences for administrators and auditors."""
    return lambda event: _about(given if event.params.get("role") == "administrator" else taken)(event)


_SENTENCES: dict[Event, Callable[[AuditEvent], str]] = {
    Event.OPENED: _plain(lambda: _("The request arrived and waits for a decision")),
    Event.COMPLETED: _plain(lambda: _("The launch message arrived after the stack had already gone")),
    Event.ANNOUNCED_AGAIN: _plain(
        lambda: _("The same wait was announced again with other facts; the first ones stand")
    ),
    Event.VOTED: _voted,
    Event.APPROVED: _plain(lambda: _("%(who)s approved")),
    Event.REJECTED: _plain(lambda: _("%(who)s rejected")),
    Event.ASKED: _plain(lambda: _("%(who)s asked for information")),
    Event.ANSWERED: _plain(lambda: _("%(who)s answered")),
    Event.COMMENTED: _plain(lambda: _("%(who)s commented")),
    Event.NOTED: _plain(lambda: _("%(who)s left an internal note")),
    Event.EDITED: _plain(lambda: _("%(who)s changed a message; what it said before is kept")),
    Event.CLAIMED: _plain(lambda: _("%(who)s took it")),
    Event.UNCLAIMED: _plain(lambda: _("%(who)s gave it back")),
    Event.REMINDED: _named(lambda: _("The desk reminded after %(percent)s percent of the time"), percent="percent"),
    Event.WITHDRAWN: _withdrawn,
    Event.EXPIRED: _plain(lambda: _("Nobody decided in time; CloudFormation rolls the stack back")),
    Event.LAPSED: _plain(
        lambda: _("The hour was over: CloudFormation was told that approval is asked and the update can be retried")
    ),
    Event.RETRIED: _plain(lambda: _("The same update was tried again")),
    Event.LET_THROUGH: _plain(lambda: _("The approval given earlier lets it through")),
    Event.DECIDED_BY_LINK: _by_link,
    Event.UPDATER_NAMED: _updater,
    Event.BYPASSED: _plain(lambda: _("The wait was ended by a signal the desk did not send")),
    Event.SIGNAL_STORED: _stored,
    Event.SIGNAL_GIVEN_UP: _plain(lambda: _("The decision could not be handed to CloudFormation")),
    Event.SIGNAL_RETRIED: _plain(lambda: _("%(who)s had the signal sent again")),
    Event.SIGNAL_NOT_SENT: _plain(lambda: _("Nothing was sent: an e-mail link's decision was recorded first")),
    Event.HOLD_ENDED: _plain(lambda: _("CloudFormation no longer waits")),
    Event.OUTCOME: _outcome,
    Event.ALARM_RAISED: _alarm,
    Event.ALARM_ACKNOWLEDGED: _plain(lambda: _("%(who)s acknowledged an alarm")),
    Event.QUARANTINE_RETRIED: _plain(lambda: _("%(who)s had a kept message read again")),
    Event.QUARANTINE_DISMISSED: _plain(lambda: _("%(who)s dismissed a kept message")),
    Event.PERSON_INVITED: _about(lambda: _("%(who)s invited %(whom)s")),
    Event.PERSON_DEACTIVATED: _about(lambda: _("%(who)s deactivated the account of %(whom)s")),
    Event.PERSON_REACTIVATED: _about(lambda: _("%(who)s reactivated the account of %(whom)s")),
    Event.IDENTITIES_FORGOTTEN: _about(lambda: _("%(who)s had the sign-in identities of %(whom)s forgotten")),
    Event.IDENTITY_CONNECTED: _named(
        lambda: _("%(who)s signed in through %(provider)s for the first time: it opens their account from now on"),
        provider="provider",
    ),
    Event.IDENTITY_REMOVED: _named(
        lambda: _("%(who)s removed the sign-in through %(provider)s from their account"), provider="provider"
    ),
    Event.SECOND_FACTORS_REMOVED: _about(lambda: _("%(who)s removed the second factors of %(whom)s")),
    Event.ROLE_GIVEN: _role(
        lambda: _("%(who)s made %(whom)s an administrator"), lambda: _("%(who)s made %(whom)s an auditor")
    ),
    Event.ROLE_TAKEN: _role(
        lambda: _("%(who)s took the role of administrator from %(whom)s"),
        lambda: _("%(who)s took the role of auditor from %(whom)s"),
    ),
    Event.TEAM_JOINED: _about(lambda: _("%(who)s put %(whom)s into the team %(team)s")),
    Event.TEAM_LEFT: _about(lambda: _("%(who)s took %(whom)s out of the team %(team)s")),
    Event.TEAM_ADDED: _about(lambda: _("%(who)s added the team %(team)s")),
    Event.TEAM_RENAMED: _about(lambda: _("%(who)s renamed a team to %(team)s")),
    Event.TEAM_MADE_DEFAULT: _about(lambda: _("%(who)s made %(team)s the default team")),
    Event.PLACE_ADDED: _place(lambda: _("%(who)s had the catalogue of %(place)s watched")),
    Event.PLACE_SWITCHED_ON: _place(lambda: _("%(who)s switched the catalogue of %(place)s on")),
    Event.PLACE_SWITCHED_OFF: _place(lambda: _("%(who)s switched the catalogue of %(place)s off")),
    Event.SYNC_ASKED: _place(lambda: _("%(who)s had the catalogue of %(place)s read at once")),
    Event.PUBLICATION_ASKED: _named(
        lambda: _("%(who)s asked what publishing a gate for version %(version)s would do"), version="version"
    ),
    Event.PUBLICATION_PLANNED: _plain(lambda: _("The plan is ready and waits for a confirmation")),
    Event.PUBLICATION_REFUSED: _plain(lambda: _("Nothing can be published")),
    Event.PUBLICATION_CONFIRMED: _plain(lambda: _("%(who)s confirmed the plan")),
    Event.PUBLICATION_CHANGED: _plain(
        lambda: _(
            "What had been confirmed was no longer so: nothing more was done, and it waits for a new confirmation"
        )
    ),
    Event.TEMPLATE_STORED: _named(lambda: _("The template %(sha256)s was stored"), sha256="sha256"),
    Event.VERSION_CREATED: _named(lambda: _("The gated version %(version)s was created"), version="version"),
    Event.VERSION_READY: _named(lambda: _("The gated version %(version)s can be launched"), version="version"),
    Event.VERSION_RETIRED: _retired,
    Event.PUBLICATION_DONE: _plain(lambda: _("The publication is done")),
    Event.PUBLICATION_FAILED: _named(lambda: _("The publication stopped with an error (%(error)s)"), error="error"),
    Event.PUBLICATION_RESUMED: _plain(lambda: _("%(who)s had the publication go on")),
    Event.PUBLICATION_ABANDONED: _plain(lambda: _("%(who)s abandoned the publication; what was done stays")),
    Event.ROLLOUT_ASKED: _named(
        lambda: _("%(who)s asked what publishing gates for the whole portfolio %(portfolio)s would do"),
        portfolio="portfolio",
    ),
    Event.ROLLOUT_CONFIRMED: _named(
        lambda: _("%(who)s confirmed the plans for the whole portfolio %(portfolio)s"), portfolio="portfolio"
    ),
    Event.SENSITIVE_MARKED: _texted(lambda: _("%(who)s marked %(name)s as sensitive")),
    Event.SENSITIVE_UNMARKED: _texted(lambda: _("%(who)s took the mark “sensitive” from %(name)s")),
    Event.REASON_KEPT: _texted(lambda: _("%(who)s wrote the prepared reason %(name)s")),
    Event.REASON_DROPPED: _texted(lambda: _("%(who)s removed the prepared reason %(name)s")),
}
