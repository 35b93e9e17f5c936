from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from kombu.transport import resolve_transport

from portal.sqs import Channel, Transport, _Polling


def answered(status: int) -> dict[str, Any]:
    polling = _Polling.__new__(_Polling)
    return polling._on_list_ready(None, None, "ReceiveMessage", SimpleNamespace(status=status))


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_poll_that_failed_for_the_moment_found_nothing(status: int) -> None:
    channel: Any = Channel.__new__(Channel)
    assert channel._on_messages_ready("url", "queue", answered(status)) == 0


@pytest.mark.parametrize("status", [400, 403, 404])
def test_poll_that_was_refused_is_a_lost_connection_that_celery_heals(status: int) -> None:
    with pytest.raises(Transport.connection_errors):
        answered(status)


def test_refusal_while_connecting_is_healed_too() -> None:
    assert ClientError in Transport.connection_errors


def test_the_broker_url_leads_to_this_transport() -> None:
    found: object = resolve_transport("sqs")
    assert found is Transport
