"""What was asked of the function over HTTP, and what was typed into the form.

The invariant: any event whatever becomes a `Visit`; nothing of it is trusted.
"""

import base64
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from lambdas.approve.pages import Typed
from lambdas.approve.words import Say
from lambdas.decisions import code_in

PATH = re.compile(r".*/d/([A-Za-z0-9_-]{43})/?", re.ASCII)
LARGEST_BODY = 20_000  # 1,000 Chinese characters take 9,000 bytes as a form


@dataclass(frozen=True)
class Visit:
    """One HTTP request, from payload 2.0 or 1.0 alike (aws-facts section 5)."""

    method: str
    link: str  # "" for none
    languages: str
    body: str  # base64 if `encoded`
    encoded: bool


def visit_of(event: Any) -> Visit:
    """What was asked, whatever the event; nothing of it is trusted."""
    event = event if isinstance(event, dict) else {}
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    http = http if isinstance(http, dict) else {}
    path = event.get("rawPath") or event.get("path") or http.get("path") or ""
    found = PATH.fullmatch(str(path))
    headers = event.get("headers")
    headers = headers if isinstance(headers, dict) else {}
    languages = next((str(v) for k, v in headers.items() if str(k).lower() == "accept-language"), "")
    return Visit(
        method=str(http.get("method") or event.get("httpMethod") or "").upper(),
        link=found[1] if found else "",
        languages=languages[:1000],
        body=str(event.get("body") or ""),
        encoded=event.get("isBase64Encoded") is True,
    )


def typed_in(visit: Visit) -> Typed | None:
    """The form that was sent; None if it is too large. What is not a form is an empty one."""
    if len(visit.body) > LARGEST_BODY:
        return None
    try:
        text = base64.b64decode(visit.body, validate=True).decode() if visit.encoded else visit.body
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        fields = {}
    one = {name: given[-1] for name, given in fields.items()}
    return Typed(one.get("code", ""), one.get("name", ""), one.get("reason", ""), one.get("verdict", ""))


def name_in(typed: Typed) -> str:
    """1 to 100 printable characters on one line; "" if there are none."""
    name = " ".join(typed.name.split())
    return name if len(name) <= 100 and name.isprintable() else ""


def reason_in(typed: Typed) -> str:
    """One line without what cannot be printed."""
    return "".join(sign for sign in " ".join(typed.reason.split()) if sign.isprintable())


def missing(say: Say, typed: Typed) -> dict[str, str]:
    """What a form lacks, by field."""
    wrong, reason = {}, reason_in(typed)
    if not code_in(typed.code):
        wrong["code"] = say("Type the code: 8 letters and digits.")
    if not name_in(typed):
        wrong["name"] = say("Type your name, at most 100 characters.")
    if typed.verdict not in ("approved", "rejected"):
        wrong["verdict"] = say("Choose Approve or Reject.")
    if typed.verdict == "rejected" and not reason:
        wrong["reason"] = say("Say why, so that the requester knows what to change.")
    if len(reason) > 1000:
        wrong["reason"] = say("At most 1,000 characters, please.")
    return wrong
