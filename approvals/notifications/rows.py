"""The facts below the words of a mail: label and value, one line each, in the active language and zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from approvals.choices import NoticeCode
from approvals.notifications.facts import Facts
from approvals.notifications.readers import Role
from portal.accounts.reading import when
from portal.phrases import joined
from portal.templatetags.elements import span


def rows(code: NoticeCode, said: Facts) -> list[tuple[str, str]]:
    return [(label, value) for label, value in _all(code, said) if value]


def _all(code: NoticeCode, said: Facts) -> Iterator[tuple[str, str]]:
    if said.is_open and said.deadline:
        yield _deadline_label(code, said), _until(said.deadline, said.left)
    if said.pass_until:
        yield _("Try again before"), when(said.pass_until)
    if said.number:
        yield _("Request"), said.number
        yield _("Product"), f"{said.title} ({said.version})" if said.version else said.title
        yield _("Stack name"), said.stack
        yield _("Requester"), said.requester
        yield _("Where"), joined((said.account, said.region))
    if code == NoticeCode.ENDED and said.stack_status:
        reason = f" ({said.stack_reason})" if said.stack_reason else ""
        yield _("Stack"), said.stack_status + reason
    yield _("When"), when(said.happened_at)


def _deadline_label(code: NoticeCode, said: Facts) -> str:
    if said.role != Role.REQUESTER:
        return _("Decide by")
    return _("Answer by") if code in (NoticeCode.ASKED, NoticeCode.REMINDED) else _("Waits until")


def _until(deadline: datetime, left: timedelta | None) -> str:
    if left is None:
        return when(deadline)
    return _("%(when)s (in %(span)s)") % {"when": when(deadline), "span": span(left)}
