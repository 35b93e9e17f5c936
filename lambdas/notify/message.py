"""What is published about a launch: the envelope cut to size, and the words for people."""

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lambdas.shared import Stack, doors, log, message_of

MESSAGE_BYTES = 200_000


def fitted(envelope: dict[str, Any], text: str) -> str:
    """The Message in at most 200,000 bytes: first the template summary is cut, then the longest values.

    What remains CloudFormation's own limits bound, save tags at their very largest: they go last.
    The fingerprint covers everything, cut or not.
    """

    def excess() -> int:
        return len(message_of(envelope, text).encode()) - MESSAGE_BYTES

    for part, empty in (("resources", []), ("description", "")):
        if excess() > 0:
            envelope["template"] |= {part: empty, "cut": True}
    ascending = sorted(envelope["parameters"], key=lambda parameter: bytes_of(parameter["value"]))
    while (over := excess()) > 0 and ascending:
        while over > 0 and ascending:
            longest = ascending.pop()
            over -= len(doors()) * bytes_of(longest["value"])
            longest["value"] = None
    if excess() > 0:
        envelope["stack"]["tags"] = {}
        envelope["template"]["resource_types"] = {}
    return message_of(envelope, text)


def bytes_of(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def lasts_until(hold: dict[str, Any]) -> datetime:
    """When the wait or its URL ends, whichever is first (aws-facts §1.2)."""
    ends = [datetime.now(UTC) + timedelta(seconds=hold["timeout"])]
    query = parse_qs(urlsplit(hold["url"]).query)
    try:
        if "X-Amz-Date" in query:
            signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            ends.append(signed + timedelta(seconds=int(query["X-Amz-Expires"][0])))
        elif "Expires" in query:
            ends.append(datetime.fromtimestamp(int(query["Expires"][0]), UTC))
    except (KeyError, ValueError, OverflowError, OSError):
        log("the wait URL's end cannot be read")
    return min(ends)


def words_for(envelope: dict[str, Any], stack: Stack) -> str:
    """What people read in a mail or on a phone. It holds no URL but the desk's, and none that decides."""
    typed = envelope["requester"]["email"]
    who = envelope["requester"]["principal_arn"].split(":", 5)[-1] or "somebody unknown"
    if re.fullmatch(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}", typed):
        who += f" (gave {typed} as address)"
    desk = os.environ.get("DESK_URL", "").rstrip("/")
    lines = [
        "A launch waits for approval.",
        "",
        f"Who: {who}",
        f"Product: {envelope['product']['product_id'] or 'not from Service Catalog'}",
        f"Stack: {stack.name}",
        f"Where: account {stack.account}, {stack.region}",
        f"Waits until: {lasts_until(envelope['hold']):%Y-%m-%d %H:%M} UTC",
        "",
        f"Decide at the desk: {desk}/f/{envelope['fingerprint']}/" if desk else "Decide at the desk.",
        "Please reply at the desk; nobody reads answers to this message.",
    ]
    return "\n".join(lines)
