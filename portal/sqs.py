"""kombu's SQS transport, for a broker that goes away and comes back.

With kombu 5.7 a poll that SQS answers with an error, or not at all, ends the worker. Here a poll that failed for
the moment found nothing, and one that was refused (the queue is gone, credentials expired) is a lost connection:
Celery connects again, for ever, and makes the queue if it is not there.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from kombu.asynchronous.aws.sqs.connection import AsyncSQSConnection
from kombu.transport import SQS


class _Polling(AsyncSQSConnection):
    def _on_list_ready(self, parent: Any, markers: Any, operation: str, response: Any) -> dict[str, Any]:
        status = response.status
        if status == self.STATUS_CODE_OK:
            found: dict[str, Any] = super()._on_list_ready(parent, markers, operation, response)  # type: ignore[misc]
            return found
        if status in self.STATUS_CODES_TIMEOUT or status in self.STATUS_CODES_SERVER_ERRORS:
            return {}
        raise ConnectionError(f"SQS answered {operation} with {status}")


class Channel(SQS.Channel):
    def asynsqs(self, queue: str | None = None) -> AsyncSQSConnection:
        if self._asynsqs is None and not self.predefined_queues:
            self._asynsqs = _Polling(sqs_connection=self.sqs(queue=queue), region=self.region)
        connection: AsyncSQSConnection = super().asynsqs(queue)
        return connection


class Transport(SQS.Transport):
    Channel = Channel
    connection_errors = (*SQS.Transport.connection_errors, ClientError)
