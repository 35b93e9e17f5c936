"""The Celery application, and the short-tempered twin that only publishes hints.

Messages carry no arguments: a task's name says "rows wait", and the rows say everything else. So nothing
confidential can be in the queue or in a worker's log, and a lost or doubled message changes nothing.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from django.core.exceptions import ImproperlyConfigured
from kombu.transport import TRANSPORT_ALIASES

TRANSPORT_ALIASES["sqs"] = "portal.sqs:Transport"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("gatehouse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["approvals"])


@worker_init.connect
@beat_init.connect
def refuse_mistakes(**_: object) -> None:
    """Celery runs the system checks and starts whatever they say; any other exception it would only log."""
    from portal import checks

    try:
        checks.refuse_mistakes()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None


def transport_options(url: str, seconds: float) -> dict[str, Any]:
    """Time limits in seconds for every call to the broker, in the words of its transport."""
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqs":
        limits = {"connect_timeout": seconds, "read_timeout": seconds, "retries": {"total_max_attempts": 1}}
        return {"client-config": limits, "visibility_timeout": 300}
    if scheme in ("redis", "rediss"):
        return {"socket_connect_timeout": seconds, "socket_timeout": seconds}
    if scheme in ("amqp", "amqps", "pyamqp"):
        return {"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds}
    return {}


def hinting(broker_url: str) -> Celery:
    """An application that publishes with one try of at most a second per call."""
    hints = Celery("gatehouse-hints", broker=broker_url, set_as_current=False)
    hints.conf.update(
        task_default_queue=app.conf.task_default_queue,
        task_ignore_result=True,
        task_publish_retry=False,
        broker_pool_limit=1,
        broker_connection_timeout=1,
        broker_transport_options=transport_options(broker_url, 1),
    )
    return hints
