"""One SNS delivery over HTTP: 15 s for an answer, three retries while the endpoint is in trouble (aws-facts §4.1)."""

import logging
import time
import urllib.error
import urllib.request
from typing import Any

TIMEOUT = 15
GAPS = (0.5, 1, 2)  # seconds; AWS's are 20
logger = logging.getLogger("sandbox.sns")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def deliver(endpoint: str, body: str, headers: dict[str, str]) -> None:
    """POST until the endpoint takes it. A 4xx ends the delivery: only 5xx and silence are tried again."""
    for gap in (*GAPS, None):
        status = _post(endpoint, body, headers)
        if 200 <= status < 500:
            return
        if gap is None:
            logger.warning("an SNS message was given up: the endpoint answered %s", status or "nothing")
            return
        time.sleep(gap)


def _post(endpoint: str, body: str, headers: dict[str, str]) -> int:
    request = urllib.request.Request(endpoint, data=body.encode(), method="POST")  # noqa: S310 - http(s) by protocol
    request.add_header("Content-Type", "text/plain; charset=UTF-8")
    request.add_header("User-Agent", "Amazon Simple Notification Service Agent")
    for name, value in headers.items():
        request.add_header(name, value)
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, ValueError):
        return 0
