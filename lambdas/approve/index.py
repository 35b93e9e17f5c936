"""Decisions by e-mail link: the function behind the HTTP API, for whoever holds a link and its code.

The invariant: reading changes nothing, however often and by whom; a POST with link and code decides at most
once. The order of a POST is the protocol: link, not locked, still waiting, code, the URL is CloudFormation's,
decide (one conditional write), publish, fix the answer's bytes, PUT, mark as sent. Killed between any
two steps, either nothing was decided, or the decision stands and the next POST with the code goes on from
there with the same bytes. No link, code or URL is logged, shown or put into an error.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lambdas.approve.deciding import decide, fix_body, launch_of_link, link_of, mark_sent, wrong_codes
from lambdas.approve.frame import HEADERS, Markup, Page, document
from lambdas.approve.pages import Typed, asking, decided, outcome, plain, refusal, untold
from lambdas.approve.signal import body_of, check_address, tell_cloudformation, tell_desk
from lambdas.approve.visit import Visit, missing, name_in, reason_in, typed_in, visit_of
from lambdas.approve.words import Say, speaker_for
from lambdas.decisions import WRONG_CODES, Launch, code_in
from lambdas.shared import Refused, code_of, deadline_of, log, rfc3339


def unknown(say: Say) -> Page:
    words = (
        "It is not one of ours, was changed on its way, or its time is over. Nothing was decided. "
        "Please open the link exactly as the mail has it."
    )
    return plain(say, 404, "This link leads nowhere", say(words), "unknown link")


def locked(say: Say) -> Page:
    words = (
        "Five wrong codes were typed, so nothing can be decided with this link or anybody else's copy of the mail. "
        "If there is a desk, decide there; else ask the requester to stop the launch and start it again."
    )
    return plain(say, 423, "This link is locked", say(words), "locked", "bad")


def ended(say: Say, launch: Launch, *, posted: bool) -> Page | None:
    """The page of a launch on which nothing can be decided or sent any more; None while something can."""
    made = launch.decision
    if made and (launch.sent_at or launch.over or made.get("channel") != "email_link"):
        before = outcome(say, launch)
        if not posted:
            return decided(say, launch, before)
        return decided(say, launch, before, 409, "decided before")
    if made:
        return None
    if launch.over or not launch.hold.get("url"):
        words = (
            "CloudFormation ended the wait before anybody decided, for example because the launch was stopped. "
            "There is nothing to decide any more."
        )
        return plain(say, 410, "The wait is over", say(words), "over")
    if launch.until <= now():
        end = f"{datetime.fromtimestamp(launch.until, UTC):%Y-%m-%d %H:%M} UTC"
        words = (
            "The time to decide ended {}. The stack rolls back by itself; the launch or update can be started again."
        )
        return plain(say, 410, "Too late", say(words).format(end), "too late")
    return None


def now() -> float:
    return datetime.now(UTC).timestamp()


def answered(say: Say, visit: Visit, deadline: float) -> Page:
    """The page for a visit. Raises what AWS raised, as long as nothing was decided."""
    if visit.method not in ("GET", "HEAD", "POST"):
        return plain(
            say, 405, "This does not work here", say("Please open the link from the mail in a browser."), "method"
        )
    typed = typed_in(visit)
    if typed is None:
        return plain(
            say, 413, "That was too much", say("What was sent is too large. Nothing was decided."), "too large"
        )
    link = link_of(deadline, visit.link, now()) if visit.link else None
    launch = launch_of_link(deadline, link) if link else None
    if not link or not launch:
        return unknown(say)
    posted = visit.method == "POST"
    if page := ended(say, launch, posted=posted):
        return page
    if link.wrong >= WRONG_CODES:
        return locked(say)
    if not posted:
        return untold(say, launch) if launch.decision else asking(say, launch)
    act = resumed if launch.decision else judged
    return act(say, visit, launch, typed, deadline)


def judged(say: Say, visit: Visit, launch: Launch, typed: Typed, deadline: float) -> Page:
    """A POST about an undecided launch."""
    typed = replace(typed, wrong=missing(say, typed))
    if typed.wrong:
        return asking(say, launch, typed, 422, "incomplete")
    if wrong := wrong_codes(deadline, visit.link, code_in(typed.code)):
        log("a wrong code", stack=launch.stack, tries=wrong)
        typed = again(say, typed, wrong)
        return asking(say, launch, typed, 403, "wrong code") if wrong < WRONG_CODES else locked(say)
    try:
        check_address(launch)
    except Refused:
        words = (
            "The address this launch waits at is not one of CloudFormation, so it is not called. Nothing was decided. "
            "Please tell your administrator."
        )
        return plain(say, 500, "This cannot be decided here", say(words), "url", "bad")
    decision = {
        "verdict": typed.verdict,
        "by": name_in(typed),
        "channel": "email_link",
        "at": rfc3339(datetime.now(UTC)),
        "reason": reason_in(typed),
        "request": "",
        "unique_id": f"gh-{secrets.token_hex(16)}",
    }
    try:
        standing = decide(deadline, launch, decision, int(now()))
    except Exception as error:  # noqa: BLE001 - the write may have been made although its answer was lost
        log("failed", error=code_of(error), stack=launch.stack)
        words = (
            "It is not certain whether your decision was recorded. "
            "Please open the link again: it shows what was decided."
        )
        return plain(say, 503, "Something went wrong", say(words), look="bad")
    if standing.decision == decision:
        log("decided", verdict=typed.verdict, stack=launch.stack)
        return finished(say, standing, deadline)
    # Somebody else was quicker. A launch that is asked about anew meanwhile is shown as it stands.
    return lost(say, standing)


def again(say: Say, typed: Typed, wrong: int) -> Typed:
    """What was typed, with the code marked as wrong."""
    return replace(typed, wrong={"code": say("This code is wrong.")}, tries_left=WRONG_CODES - wrong)


def lost(say: Say, standing: Launch) -> Page:
    if page := ended(say, standing, posted=True):
        return page
    if standing.decision:
        return decided(say, standing, Markup(), 409, "decided before")
    return asking(say, standing, status=409, why="asked anew")


def resumed(say: Say, visit: Visit, launch: Launch, typed: Typed, deadline: float) -> Page:
    """A POST about a launch that was decided by link, and CloudFormation does not know: the code is enough."""
    code = code_in(typed.code)
    if not code:
        typed = replace(typed, wrong={"code": say("Type the code: 8 letters and digits.")})
        return untold(say, launch, typed, 409, "decided before")
    if wrong := wrong_codes(deadline, visit.link, code):
        typed = again(say, typed, wrong)
        return untold(say, launch, typed, 403, "wrong code") if wrong < WRONG_CODES else locked(say)
    return finished(say, launch, deadline)


def finished(say: Say, launch: Launch, deadline: float) -> Page:
    """Tells the desk, then CloudFormation, of a decision that stands; each step may be repeated."""
    try:
        check_address(launch)
        tell_desk(deadline, launch)
        body = launch.body or fix_body(deadline, launch, body_of(deadline, launch))
        status = tell_cloudformation(deadline, launch.hold["url"], body)
    except Exception as error:  # noqa: BLE001 - the decision stands, and its maker has to hear so
        log("not told", error=code_of(error), stack=launch.stack)
        return untold(say, launch, status=502)
    if 400 <= status < 500:
        log("not taken", http=status, stack=launch.stack)
        return decided(say, launch, refusal(say), 502)
    if not 200 <= status < 300:
        return untold(say, launch, status=502)
    at = rfc3339(datetime.now(UTC))
    log("told", http=status, stack=launch.stack)
    try:
        mark_sent(deadline, launch, at)
    except Exception as error:  # noqa: BLE001 - CloudFormation knows; another try sends the same bytes
        log("not marked as sent", error=code_of(error), stack=launch.stack)
    sent = replace(launch, sent_at=at)
    return decided(say, sent, outcome(say, sent))


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Lambda's entry: a page for whatever was asked. Raises nothing."""
    visit = visit_of(event)
    language, say = speaker_for(visit.languages)
    try:
        page = answered(say, visit, deadline_of(context))
    except Exception as error:  # noqa: BLE001 - whoever reads the page must hear that nothing was done
        log("failed", error=code_of(error))
        words = say("Nothing was changed. Please wait a minute and open the link again.")
        page = plain(say, 500, "Something went wrong", words, look="bad")
    if page.why:
        log("refused", why=page.why, status=page.status, method=visit.method[:10])
    allow = {"allow": "GET, HEAD, POST"} if page.status == 405 else {}
    return {
        "statusCode": page.status,
        "headers": HEADERS | allow,
        "body": "" if visit.method == "HEAD" else document(page, language),
        "isBase64Encoded": False,
    }
