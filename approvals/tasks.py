"""The tasks: thin, without arguments, safe to run twice, and each alone in its process.

A task that is already running in this process is skipped; across processes the rows' own locks keep the work apart.
What may take longer than a few seconds runs *aside*, in a thread of its own, so that slow answers of AWS can never
fill all the worker's threads: signals and deadlines always find one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps

import structlog
from celery import current_task, shared_task
from celery.signals import worker_shutting_down
from django.core.management import call_command
from django.db import connections

from approvals import audit, heartbeat, names, places, publishing, reminders, wiping
from approvals.actions import expire, lapse, warn_of_untold
from approvals.actor import Actor
from approvals.asked import linting, reading
from approvals.choices import OPEN_STATES, Channel, HoldKind, HoldStatus
from approvals.doctor import keeping, running
from approvals.errors import Refused
from approvals.following import outcome, updaters
from approvals.following import reconcile as reconciliation
from approvals.models import Hold, LaunchRequest
from approvals.notifications import deliveries
from approvals.outbox import signals
from approvals.replies import taking
from approvals.talk import files
from catalog import sync
from catalog.coverage import covering
from portal import clock

# What a worker that is asked to stop gives its signals and mails; rows still in flight are taken over later.
GRACE_SECONDS = 8.0
# Shorter than the beat's minute, and than SQS hides a message that is being worked on (portal.celery).
SYNC_SECONDS = PUBLISH_SECONDS = 50.0
COVERAGE_SECONDS = 25.0

log = structlog.get_logger(__name__)


def _alone(work: Callable[[], None]) -> Callable[[], None]:
    running = threading.Lock()

    @wraps(work)
    def once() -> None:
        if not running.acquire(blocking=False):
            return
        try:
            work()
        finally:
            running.release()

    return once


def _aside(work: Callable[[], None]) -> Callable[[], None]:
    """Alone, and in a thread of its own: the task returns at once. Called outside of a worker it simply works.

    A worker that stops does not wait for the thread: what it was at is a row, and is taken over.
    """
    alone = _alone(work)

    @wraps(work)
    def start() -> None:
        if current_task and not current_task.request.called_directly:
            threading.Thread(target=_in_own_thread, args=(alone,), name=work.__name__, daemon=True).start()
        else:
            alone()

    return start


def _in_own_thread(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        log.exception("a task gave up", task=threading.current_thread().name)
    finally:
        connections.close_all()


@shared_task
def drain_signals() -> None:
    signals.drain()


@shared_task
@_alone
def drain_deliveries() -> None:
    deliveries.drain()


@shared_task
@_alone
def expire_requests() -> None:
    """Close what nobody decided in time."""
    now = clock.now()
    for pk in LaunchRequest.objects.overdue(now).order_by("deadline").values_list("pk", flat=True)[:500]:
        try:
            expire(pk, actor=Actor.system(Channel.TIMER), now=now)
        except Refused:
            # Somebody decided in this very moment.
            continue
        except Exception:
            log.exception("request not expired", request=pk)


@shared_task
@_alone
def lapse_updates() -> None:
    """Answer updates whose hour is over before CloudFormation loses patience."""
    now = clock.now()
    due = Hold.objects.filter(status=HoldStatus.OPEN, kind=HoldKind.RESPONSE, deadline__lte=now, signal=None)
    for pk in due.filter(request__state__in=OPEN_STATES).order_by("deadline").values_list("request", flat=True)[:500]:
        try:
            lapse(pk, actor=Actor.system(Channel.TIMER), now=now)
        except Refused:
            continue
        except Exception:
            log.exception("update not answered", request=pk)


@shared_task
@_alone
def remind() -> None:
    """Tell those whose turn it is how little time is left."""
    reminders.remind(clock.now())


@shared_task
@_alone
def warn_of_untold_decisions() -> None:
    warn_of_untold(clock.now())


@shared_task
@_alone
def follow_stacks() -> None:
    outcome.follow(clock.now())


@shared_task
@_aside
def reconcile() -> None:
    reconciliation.run(clock.now())


@shared_task
@_aside
def name_updaters() -> None:
    """Ask CloudTrail who updates."""
    updaters.run(clock.now())


@shared_task
def show_life() -> None:
    heartbeat.beat(clock.now())


@shared_task
@_alone
def checkpoint_audit() -> None:
    audit.checkpoint(clock.now())


@shared_task
@_alone
def wipe() -> None:
    wiping.wipe(clock.now())


@shared_task
@_alone
def tidy() -> None:
    call_command("clearsessions")
    wiping.tidy(clock.now())


@shared_task
@_alone
def forget_templates() -> None:
    wiping.forget_templates(clock.now())


@shared_task
@_aside
def take_replies() -> None:
    """Mails that people sent as replies, into their conversations."""
    taking.drain()


@shared_task
@_aside
def sweep_files() -> None:
    """Delete uploads that no message came to have."""
    files.sweep(clock.now())


@shared_task
@_aside
def sync_catalogue() -> None:
    """Go on with reading the catalogues that are due, and give requests that came before them the names they know.

    Ends in time for its successor: what is not read by then is read in the next minute.
    """
    places.look_for_places(clock.now())
    if sync.tick(SYNC_SECONDS):
        names.fill()


@shared_task
@_aside
def cover_catalogue() -> None:
    """Work out how well the products are gated that were read."""
    covering.cover(clock.now(), COVERAGE_SECONDS)


@shared_task
@_aside
def read_templates() -> None:
    """Read the templates of launches for the people who decide on them."""
    reading.drain()


@shared_task
@_aside
def lint_templates() -> None:
    linting.drain()


@shared_task
@_aside
def publish() -> None:
    """Go on with publications: plan what is asked for, carry out what is confirmed."""
    publishing.drain(PUBLISH_SECONDS)


@shared_task
@_aside
def examine() -> None:
    """The doctor's look, for the page of administrators."""
    keeping.keep(running.run(clock.now(), by_worker=True))


@worker_shutting_down.connect
def _rest(**_: object) -> None:
    for crew in (signals.crew, deliveries.crew):
        threading.Thread(target=crew.rest, args=(GRACE_SECONDS,), name="last minutes").start()
