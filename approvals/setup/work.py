"""Whether worker and beat work: the sign of life that beat sends and the worker writes down."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import heartbeat
from approvals.setup.steps import Standing, Step
from portal.templatetags.elements import span


def step(now: datetime) -> Step:
    seen = heartbeat.last()
    alive = seen is not None and now - seen < heartbeat.ALIVE
    return Step(
        code="work",
        title=_("Worker and beat are running"),
        why=_("They hand decisions to CloudFormation, send mails, read catalogues and close what nobody decided."),
        standing=Standing.DONE if alive else Standing.TODO,
        seen=(_seen(seen, now),),
        todo=_(
            "Start them where the desk runs, any number of workers and exactly one beat. If they run, look at their "
            "logs and at the broker in CELERY_BROKER_URL; with SQS its queue has to exist."
        ),
        commands=(
            "celery -A portal worker",
            "celery -A portal beat",
            "aws sqs create-queue --queue-name gatehouse-work",
        ),
        links=((_("Operations"), reverse("operations")),),
    )


def _seen(seen: datetime | None, now: datetime) -> str:
    if seen is None:
        return _("There was no sign of life yet; the first one comes within half a minute of their start.")
    return _("Last sign of life: %(span)s ago.") % {"span": span(now - seen)}
