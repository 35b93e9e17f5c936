"""The doors of the desk, as a browser without anybody's session finds them."""

from __future__ import annotations

import re
import time
from typing import Any

from allauth.mfa.totp.internal.auth import hotp_value, yield_hotp_counters_from_time
from django.test import Client

LOGIN = "/accounts/login/"
CONFIRM = "/accounts/login/code/confirm/"
PASSWORD = "correct horse battery"
TOO_MANY = b"Too many attempts. Wait a while, then try again."


def ask_for_code(client: Client, address: str = "rita@example.com", **extra: Any) -> Any:
    return client.post(LOGIN, {"login": address, "code": "1", **extra})


def code_of(message: Any) -> str:
    found = re.search(r"^ {4}(\S+)$", message.body, re.MULTILINE)
    assert found
    return found[1]


def digits(secret: str) -> str:
    """What an authenticator app shows, with seconds left to type it in."""
    if (left := 30 - time.time() % 30) < 5:
        time.sleep(left)
    return f"{hotp_value(secret, next(yield_hotp_counters_from_time())):06d}"


def signed_in(client: Client) -> bool:
    return client.get("/preferences/").status_code == 200


def without_tokens(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
