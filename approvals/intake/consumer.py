"""The default door: a long-poll consumer of the desk's queue.

A message is deleted only after what it says was committed, or after it was put into quarantine, or when it is
forged. Everything else leaves it in the queue: its visibility runs out and it comes again. Every message of an
answer has a thread of its own, so a slow or poisonous one blocks nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import close_old_connections, connection

from approvals.intake import doors, messages, quarantine, sns
from approvals.intake.envelope import TOPIC_NAME
from approvals.intake.refusals import refuse
from approvals.intake.strict import NotUnderstood
from approvals.replies import addresses, received
from catalog import aws
from portal import clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH = 10
VISIBILITY = 30
LEFT, REFUSED = "left", doors.Taken.REFUSED
_EXTEND_EVERY = 10.0
_BACK_OFF = 2.0
# SQS's own largest message (aws-facts §4.3); the envelope inside is bounded by what SNS takes.
_LIMIT = 1024 * 1024
_AWS_TROUBLE = (ClientError, BotoCoreError)
_log = logging.getLogger(__name__)


def take(body: str) -> str:
    """Take one message of the queue: `done`, `quarantined`, `refused`, or `left` when it must come again."""
    now = clock.now()
    try:
        message = sns.open_message(body, limit=_LIMIT, accounts=None, topics=(TOPIC_NAME, received.TOPIC_NAME))
        return _take(message, now)
    except NotUnderstood as trouble:
        # Only topics may write to this queue: most likely raw message delivery is switched on.
        quarantine.keep(body, reason=str(trouble), topic_arn="", door=doors.QUEUE, now=now)
        return doors.Taken.QUARANTINED
    except sns.Forged as forged:
        refuse(str(forged), door=doors.QUEUE, now=now)
        return REFUSED
    except (sns.Unavailable, *messages.TROUBLE) as trouble:
        _log.warning("a message was left in the queue", extra={"error": type(trouble).__name__})
        return LEFT


def _take(message: sns.SnsMessage, now: datetime) -> str:
    if message.topic_arn.endswith(f":{received.TOPIC_NAME}"):
        return _take_mail(message, now)
    if message.type == sns.CONFIRMATION:
        return doors.confirm(message, door=doors.QUEUE, now=now)
    if settings.GATEHOUSE_ACCOUNTS and message.account not in settings.GATEHOUSE_ACCOUNTS:
        raise sns.Forged("topic")
    if message.type == sns.NOTIFICATION:
        return doors.take(message.message, topic_arn=message.topic_arn, door=doors.QUEUE, now=now)
    doors.unsubscribed(message.topic_arn, door=doors.QUEUE, now=now)
    return REFUSED


def _take_mail(message: sns.SnsMessage, now: datetime) -> str:
    """What SES says of a mail: only in the account of the desk's own queue, whose topic needs no confirmation."""
    own = settings.GATEHOUSE_QUEUE_URL.rstrip("/").split("/")[-2:-1]
    if not addresses.are_on() or [message.account] != own or message.type != sns.NOTIFICATION:
        raise sns.Forged("topic")
    return doors.take(message.message, topic_arn=message.topic_arn, door=doors.QUEUE, now=now)


@dataclass
class Consumer:
    """`receivers` long polls wait at a time. `stop` may be set by anyone, also by a signal handler."""

    queue_url: str
    receivers: int = 2
    wait_seconds: int = 20
    taker: Callable[[str], str] = take
    stop: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _busy: int = 0
    _heard: float = field(default_factory=time.monotonic)

    def run(self, *, once: bool = False, idle_exit: float | None = None) -> Counter[str]:
        """Take messages until `stop`; `once` ends at the first empty answer, `idle_exit` after quiet seconds.

        What was begun is finished. A poll that is still waiting is left behind: what it may receive comes again.
        """
        threads = self.receivers * BATCH
        with ThreadPoolExecutor(threads, "take") as pool:
            pollers = [
                threading.Thread(target=self._poll, args=(pool, once), name=f"receive-{n}", daemon=True)
                for n in range(self.receivers)
            ]
            for poller in pollers:
                poller.start()
            while any(poller.is_alive() for poller in pollers) and not self.stop.wait(0.05):
                if idle_exit is not None and not self._busy and time.monotonic() - self._heard > idle_exit:
                    self.stop.set()
            _close_connections(pool, threads)
        _log.info("intake stopped", extra={"counts": dict(self.counts)})
        return self.counts

    def _poll(self, pool: ThreadPoolExecutor, once: bool) -> None:
        while not self.stop.is_set():
            messages = self._receive()
            if messages is None:
                self.stop.wait(_BACK_OFF)
            elif messages:
                self._note_busy(1)
                # The pool is closed when we stop; what was not begun comes again.
                with suppress(RuntimeError):
                    self._take_all(pool, messages)
                self._note_busy(-1)
            elif once:
                return

    def _note_busy(self, change: int) -> None:
        with self._counting:
            self._busy += change
            self._heard = time.monotonic()

    def _receive(self) -> list[MessageTypeDef] | None:
        try:
            answer = self._sqs().receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=self.wait_seconds,
                VisibilityTimeout=VISIBILITY,
            )
        except _AWS_TROUBLE as error:
            _log.warning("the queue cannot be read", extra={"error": type(error).__name__})
            return None
        return answer.get("Messages", [])

    def _take_all(self, pool: ThreadPoolExecutor, messages: list[MessageTypeDef]) -> None:
        """Returns when all are taken; meanwhile those that take long are kept from coming again."""
        left: dict[Future[None], MessageTypeDef] = {pool.submit(self._take_one, m): m for m in messages}
        while left:
            done, _ = wait(left, timeout=_EXTEND_EVERY)
            left = {future: message for future, message in left.items() if future not in done}
            for message in left.values():
                self._extend(message["ReceiptHandle"])

    def _take_one(self, message: MessageTypeDef) -> None:
        try:
            close_old_connections()
            result = self.taker(message["Body"])
            if result != LEFT:
                self._sqs().delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        except Exception as error:  # noqa: BLE001 - one message must not end the consumer
            result = LEFT
            _log.warning("a message was left in the queue", extra={"error": type(error).__name__})
        with self._counting:
            self.counts[result] += 1

    def _extend(self, handle: str) -> None:
        try:
            self._sqs().change_message_visibility(
                QueueUrl=self.queue_url, ReceiptHandle=handle, VisibilityTimeout=VISIBILITY
            )
        except _AWS_TROUBLE as error:
            _log.warning("a message may come twice", extra={"error": type(error).__name__})

    def _sqs(self) -> SQSClient:
        return aws.client("sqs", _region(self.queue_url))


def _region(queue_url: str) -> str:
    """The region in `https://sqs.<region>.amazonaws.com/…`; empty (the process's own) for any other address."""
    host = queue_url.split("/")[2] if queue_url.count("/") > 2 else ""
    return host.split(".")[1] if host.startswith("sqs.") and ".amazonaws.com" in host else ""


def _close_connections(pool: ThreadPoolExecutor, threads: int) -> None:
    """Every thread has a database connection of its own: one task each, which no thread can take twice."""
    together = threading.Barrier(threads)

    def close() -> None:
        with suppress(threading.BrokenBarrierError):
            together.wait(timeout=30)
        connection.close()

    for _ in range(threads):
        pool.submit(close)
