"""Logs: one line per event, JSON on a server and readable text in development.

No capability ever reaches a log: the query of every URL is cut (a presigned URL's signature is in there), and
so is whatever else looks like a signature, a session token or a receipt.
"""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

_QUERY = re.compile(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]+")
_PARAMETER = re.compile(
    r"(?i)\b(x-amz-(?:signature|security-token|credential)|signature|awsaccesskeyid|token|password|code)"
    r"(=|%3D|\"?:\s*\"?)[^\s&\"',}]+"
)
_JWS = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

# Two lines for every sweep of every few seconds; failures are logged above INFO.
_ROUTINE = ("celery.worker.strategy", "celery.app.trace")


def redact(text: str) -> str:
    """The text without URL queries, signatures, tokens and receipts."""
    text = _QUERY.sub(r"\1?[cut]", text)
    text = _JWS.sub("[receipt cut]", text)
    return _PARAMETER.sub(r"\1\2[cut]", text)


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Processor: every string of the event, however deep, goes through `redact`."""
    return {key: _redacted(value) for key, value in event.items()}


def configure(config: dict[str, Any]) -> None:
    """`LOGGING_CONFIG`. Takes {"level": name, "json": bool} and sends all logging to stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer() if config["json"] else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(config["level"])
    # Their INFO and DEBUG lines carry whole requests, URLs included.
    for noisy in ("botocore", "boto3", "urllib3", "s3transfer", "kombu", "asyncio", *_ROUTINE):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(part) for part in value]
    return value
