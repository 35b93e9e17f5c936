"""What is published about a launch: the envelope cut to size, and the words for people."""

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
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


def signed_at(url: str) -> datetime | None:
    """When a presigned URL was made; None where it does not say (aws-facts section 1.2)."""
    date = parse_qs(urlsplit(url).query).get("X-Amz-Date", [""])[0]
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def url_ends(url: str) -> datetime | None:
    """When a presigned URL dies by its own words; None where it does not say."""
    query, signed = parse_qs(urlsplit(url).query), signed_at(url)
    try:
        if signed:
            return signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))
        return datetime.fromtimestamp(int(query["Expires"][0]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        log("the URL's end cannot be read")
        return None


def began(hold: dict[str, Any]) -> datetime:
    """When the wait began: a held update's with its ResponseURL, any other now."""
    now = datetime.now(UTC)
    return now if hold["kind"] == "wait_handle" else signed_at(hold["url"]) or now


def until_of(hold: dict[str, Any]) -> datetime:
    """Until when a decision still reaches CloudFormation, as the desk reckons it.

    The earlier of the wait's end and its URL's, less five minutes or 5 % of the window, whichever is shorter.
    """
    start = began(hold)
    end = start + timedelta(seconds=hold["timeout"])
    end = min(end, url_ends(hold["url"]) or end)
    return end - min(timedelta(minutes=5), max(end - start, timedelta(0)) * 0.05)


class Invitation(NamedTuple):
    """What decides by mail: a whole URL and the code that goes with it, as ABCD-EFGH."""

    link: str
    code: str


def invitation_words(invitation: Invitation) -> list[str]:
    return [
        f"Approve or reject: {invitation.link}",
        "",
        f"Code: {invitation.code}",
        "",
        "Whoever has this link and this code can decide, and nobody checks who that is. So do not forward this",
        "message, and do not decide about a launch or an update of your own.",
        "",
        "有一个产品启动或更新正在等待审批。打开上面的链接，输入验证码（Code）即可批准或拒绝。",
        "任何同时持有链接和验证码的人都可以作出决定，请勿转发本邮件，也不要审批自己发起的启动或更新。",
        "",
    ]


def words_for(envelope: dict[str, Any], stack: Stack, invitation: Invitation | None = None) -> str:
    """What people read in a mail or on a phone. It holds no URL but the desk's and the invitation's."""
    typed = envelope["requester"]["email"]
    who = envelope["requester"]["principal_arn"].split(":", 5)[-1] or "somebody unknown"
    # Service Catalog's tags name who launched first, whoever updates now (aws-facts section 3.1).
    update = envelope["stack"]["status"] == "UPDATE_IN_PROGRESS"
    who = f"unknown (first launched by {who})" if update else who
    if re.fullmatch(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}", typed):
        who += f" (gave {typed} as address)"
    desk = os.environ.get("DESK_URL", "").rstrip("/")
    lines = [
        f"{'An update' if update else 'A launch'} waits for approval.",
        "",
        f"Who: {who}",
        f"Product: {envelope['product']['product_id'] or 'not from Service Catalog'}",
        f"Stack: {stack.name}",
        f"Where: account {stack.account}, {stack.region}",
        f"Waits until: {until_of(envelope['hold']):%Y-%m-%d %H:%M} UTC",
        "",
    ]
    if envelope["hold"]["kind"] == "response":
        lines += ["If nobody decides by then, CloudFormation ends the update; it can be tried again.", ""]
    else:
        lines += ["If nobody decides by then, CloudFormation rolls it back.", ""]
    if desk:
        lines.append(f"Decide at the desk: {desk}/f/{envelope['fingerprint']}/")
    elif not invitation:
        lines.append("Decide at the desk.")
    if invitation:
        lines += ["If the desk cannot be reached:", ""] if desk else []
        lines += invitation_words(invitation)
    where = "" if invitation and not desk else "Please reply at the desk; nobody"
    lines.append(f"{where or 'Nobody'} reads answers to this message.")
    return "\n".join(lines)
