"""No capability reaches a log line."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from portal import logs

URL = (
    "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/arn%3Aaws%3Acloudformation/Handle"
    "?X-Amz-Security-Token=canary&X-Amz-Signature=canary&X-Amz-Expires=43199"
)
SECRETS = [
    f"PUT {URL} answered 503",
    f"<Response [{URL!r}]>",
    'body was {"X-Amz-Signature": "canary", "x": 1}',
    "Signature=canary&Expires=1",
    "x-amz-security-token: canary",
    "token=canary",
    "password=canary",
    "eyJhbGciOiJFUzI1NiJ9.eyJjYW5hcnkiOjF9.canary",
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    config = structlog.get_config()
    logs.configure({"level": "INFO", "json": True})
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.configure(**config)


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_cut_out_of_text(secret: str) -> None:
    assert "canary" not in logs.redact(secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_cut_wherever_they_hide_in_an_event(lines: io.StringIO, secret: str) -> None:
    structlog.stdlib.get_logger("test").warning(secret, url=secret, deep={"a": [secret]})
    logging.getLogger("library").warning("said %s", secret)
    logging.getLogger("library").error("failed", exc_info=ValueError(secret))
    assert "canary" not in lines.getvalue()
    events = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(events) == 3
    assert all(event["timestamp"] and event["level"] for event in events)


def test_what_is_no_secret_stays_readable() -> None:
    sentence = "GH-12 approved by 7, stack arn:aws:cloudformation:us-east-1:111122223333:stack/SC-1/2, code 200"
    assert logs.redact(sentence) == sentence
