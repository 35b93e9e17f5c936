"""The pages behind a link.

The invariant: a page holds neither the link, nor a code, nor the wait's URL; its form posts to the address it
was read from. What was typed is given back when something is missing, save the code.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lambdas.approve.frame import Markup, Page, card, fill, joined, moment, note, rows
from lambdas.approve.words import Say
from lambdas.decisions import WRONG_CODES, Launch
from lambdas.shared import STACK_ARN

# What CloudFormation was told, by whether it was approved and whether it is an update.
TOLD = {
    (True, False): "CloudFormation was told; the stack goes on.",
    (True, True): "CloudFormation was told; the update goes on.",
    (False, False): "CloudFormation was told; the stack is rolled back.",
    (False, True): "CloudFormation was told; the update is rolled back.",
}


@dataclass(frozen=True)
class Typed:
    """What somebody sent, and what is wrong with it."""

    code: str = ""
    name: str = ""
    reason: str = ""
    verdict: str = ""
    wrong: dict[str, str] = field(default_factory=dict)  # field name to what is wrong with it
    tries_left: int = WRONG_CODES


def value_of(say: Say, parameter: dict[str, object]) -> Markup:
    """A parameter's value, and what cannot be seen of it."""
    value, length = str(parameter["value"]), int(str(parameter["length"]))
    if parameter["hidden"]:
        return fill("<small>({words})</small>", words=say("hidden"))
    if not value:
        return fill("<small>({words})</small>", words=say("empty"))
    cut = say("cut, {} characters in all").format(length) if length > len(value) else ""
    return fill("{value} <small>({cut})</small>" if cut else "{value}", value=value, cut=cut)


def facts(say: Say, launch: Launch) -> Markup:
    """What is asked, as notify read it from CloudFormation."""
    known, stack = launch.facts, STACK_ARN.fullmatch(launch.stack)
    principal = str(known.get("principal", "")).split(":", 5)[-1] or say("unknown")
    # An assumed role is long: it may break after each of its parts.
    parts = [fill("{part}", part=part) for part in principal.split("/")]
    named = Markup("/<wbr>".join(parts))
    who: list[tuple[str, object]] = [(say("Asked by"), named)]
    if known.get("update"):
        unknown = say("unknown; AWS does not say who updates")
        who = [(say("Asked by"), unknown), (say("First launched by"), named)]
    email, typed = known.get("email"), say("typed by somebody, proves nothing")
    given = fill("{email} <small>({typed})</small>", email=email, typed=typed) if email else ""
    asked = rows(
        [
            *who,
            (say("Address given"), given),
            (say("Product"), known.get("product") or say("not from Service Catalog")),
            (say("Description"), known.get("description")),
            (say("Stack"), known.get("name") or (stack[4] if stack else "")),
            (say("Account"), stack[3] if stack else ""),
            (say("Region"), stack[2] if stack else ""),
            (say("Decide until"), Markup() if launch.decision else until(say, launch)),
        ]
    )
    parameters = rows([(p["name"], value_of(say, p)) for p in known.get("parameters", [])], "values")
    types = [
        fill("<li>{type} <small>× {count}</small></li>", type=type_, count=count)
        for type_, count in sorted(known.get("types", {}).items())
    ]
    cut = say("The list may be incomplete: a macro or a cut template hides some.") if known.get("cut") else ""
    created = fill("<ul>{types}</ul>{cut}", types=joined(*types), cut=fill('<p class="hint">{cut}</p>', cut=cut))
    return joined(
        card(say("What is asked"), asked),
        card(say("Parameters"), parameters if known.get("parameters") else fill("{none}", none=say("none"))),
        card(
            say("What the stack would consist of" if known.get("update") else "What would be created"),
            created if types else fill("{none}", none=say("unknown")),
        ),
    )


def until(say: Say, launch: Launch) -> Markup:
    """When the time to decide ends, and how long that is: people do not think in UTC."""
    if not launch.until:
        return Markup()
    end = datetime.fromtimestamp(launch.until, UTC)
    minutes = max(1, int((end - datetime.now(UTC)).total_seconds()) // 60)
    words = say("about {} hours left" if minutes >= 120 else "about {} minutes left")
    left = words.format(minutes // 60 if minutes >= 120 else minutes)
    return fill("{end} <small>({left})</small>", end=moment(end), left=left)


def entry(name: str, label: str, hint: str, typed: Typed, control: str) -> Markup:
    """One labelled control; `control` is its tag with {value} and {rest} to fill in."""
    trouble = typed.wrong.get(name, "")
    said = [fill('<p class="hint" id="{name}-hint">{hint}</p>', name=name, hint=hint)] if hint else []
    if trouble:
        said.append(fill('<p class="wrong" id="{name}-wrong">{trouble}</p>', name=name, trouble=trouble))
    ids = " ".join(f"{name}-{part}" for part in (["hint"] if hint else []) + (["wrong"] if trouble else []))
    rest = fill('id="{name}" name="{name}" aria-describedby="{ids}"', name=name, ids=ids)
    rest = Markup(rest + (' aria-invalid="true"' if trouble else ""))
    value = "" if name == "code" else getattr(typed, name)
    top = fill('<label for="{name}">{label}</label>', name=name, label=label)
    return joined(top, *said, fill(control, value=value, rest=rest))


def code_entry(say: Say, typed: Typed) -> Markup:
    box = '<input {rest} required maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false">'
    return entry("code", say("Code"), say("The 8 characters in the mail, below the link."), typed, box)


def form(title: str, content: Markup) -> Markup:
    """The hidden disabled button keeps the Enter key from deciding."""
    start = Markup('<form method="post" accept-charset="utf-8" autocomplete="off"><button disabled hidden></button>')
    return card(title, joined(start, content, Markup("</form>")))


def decision_form(say: Say, typed: Typed) -> Markup:
    name = '<input {rest} required maxlength="100" autocomplete="name" value="{value}">'
    reason = '<textarea {rest} maxlength="1000">\n{value}</textarea>'
    buttons = fill(
        '<div class="buttons"><button name="verdict" value="approved">{approve}</button>'
        '<button class="reject" name="verdict" value="rejected">{reject}</button></div>',
        approve=say("Approve"),
        reject=say("Reject"),
    )
    return form(
        say("Your decision"),
        joined(
            code_entry(say, typed),
            entry(
                "name",
                say("Your name"),
                say("It is recorded with the decision, and the requester sees it."),
                typed,
                name,
            ),
            entry("reason", say("Reason"), say("Needed to reject. The requester reads it."), typed, reason),
            buttons,
        ),
    )


def asking(say: Say, launch: Launch, typed: Typed = Typed(), status: int = 200, why: str = "") -> Page:
    """What is asked, and the form; with what was typed and what is wrong with it."""
    title = "An update waits for your decision" if launch.facts.get("update") else "A launch waits for your decision"
    problem = []
    if typed.tries_left < WRONG_CODES and why:
        problem = [note(to_form(say, tries_left(say, typed), "code"), "bad")]
    elif why:
        first = next((field for field in ("code", "name", "reason") if field in typed.wrong), "code")
        problem = [note(to_form(say, say("Please check what is marked. Nothing was decided."), first), "bad")]
        problem += [note(typed.wrong["verdict"], "bad")] if "verdict" in typed.wrong else []
    lead = say("Read what is asked, then approve or reject. If nobody decides in time, it is rolled back.")
    own = say(
        "Is it your own? Then leave the decision to somebody else. A link cannot tell who you are: "
        "your name is recorded as you type it."
    )
    classic = say("This product uses the classic gate: whoever can read the stack can also let it pass without you.")
    warnings = [note(own)] if launch.facts.get("receipt") else [note(own), note(classic)]
    desk = os.environ.get("DESK_URL", "").rstrip("/")
    link = '<p class="hint"><a href="{desk}/f/{fingerprint}/">{words}</a></p>'
    words = say("Decide at the desk instead, where you are known.")
    elsewhere = [fill(link, desk=desk, fingerprint=launch.fingerprint, words=words)] if desk else []
    content = joined(
        *problem,
        fill('<p class="lead">{lead}</p>', lead=lead),
        facts(say, launch),
        *warnings,
        decision_form(say, typed),
        *elsewhere,
    )
    return Page(status, say(title), content, why)


def to_form(say: Say, words: str, field: str) -> Markup:
    """What is wrong, and the way to it: on a phone the form is some screens below."""
    return fill('{words} <a href="#{field}">{go}</a>', words=words, field=field, go=say("Go to the form"))


def tries_left(say: Say, typed: Typed) -> str:
    left = say("Tries left: {}. Then this link is locked.").format(typed.tries_left)
    return f"{say('This code is wrong.')} {left}"


def decided(say: Say, launch: Launch, before: Markup, status: int = 200, why: str = "") -> Page:
    """Who decided, when, what and through which channel; `before` is said first."""
    made = launch.decision
    by_mail = made.get("channel") == "email_link"
    title = verdict_of(say, launch)
    how = say("by e-mail link") if by_mail else ", ".join(filter(None, [say("at the desk"), made.get("request")]))
    words = "Your answer came too late and changed nothing."
    words = words if made["verdict"] == "lapsed" else "This was decided before. Your answer changed nothing."
    late = note(say(words)) if why == "decided before" else ""
    told = rows(
        [
            (say("Decision"), title),
            (say("Decided by"), made.get("by", "")),
            (say("Decided at"), moment(datetime.fromisoformat(made["at"]))),
            (say("How"), how),
            (say("Reason"), made.get("reason", "")),
        ]
    )
    typed = say("The name is as it was typed; a link cannot tell whether people decide about launches of their own.")
    remark = [fill('<p class="hint">{typed}</p>', typed=typed)] if by_mail else []
    return Page(
        status,
        title,
        joined(Markup(late), before, card(say("The decision"), joined(told, *remark)), facts(say, launch)),
        why,
    )


def verdict_of(say: Say, launch: Launch) -> str:
    words = {"approved": "Approved", "rejected": "Rejected", "lapsed": "The time is over"}
    return say(words.get(launch.decision["verdict"], "Withdrawn"))


def outcome(say: Say, launch: Launch) -> Markup:
    """What CloudFormation was told of a decision; nothing where the desk tells it."""
    verdict, update = launch.decision["verdict"], bool(launch.facts.get("update"))
    if verdict == "lapsed":
        words = (
            "Nobody decided in time, so CloudFormation was told to end this update; everything stays as it was. "
            "It can still be granted at the desk: the same update then passes when it is tried again."
        )
        return note(say(words))
    if not launch.sent_at:
        return note(say("CloudFormation ended the wait.")) if launch.over else Markup()
    return note(say(TOLD[verdict == "approved", update]), "good" if verdict == "approved" else "")


def refusal(say: Say) -> Markup:
    """S3 took no answer for this wait, and will not."""
    words = (
        "The decision stands, but the wait takes no answer any more. The stack will roll back when its time is over; "
        "the launch or update has to be started again."
    )
    return note(say(words), "bad")


def untold(say: Say, launch: Launch, typed: Typed = Typed(), status: int = 200, why: str = "") -> Page:
    """Decided by e-mail link, and CloudFormation does not know yet: the form tells it."""
    title = say("Recorded, but CloudFormation was not told yet")
    words = say("The decision stands; the stack still waits. Type the code to tell CloudFormation now.")
    wrong = [note(tries_left(say, typed), "bad")] if typed.tries_left < WRONG_CODES else []
    again = fill(
        '<div class="buttons"><button name="verdict" value="again">{again}</button></div>', again=say("Try again")
    )
    retry = form(say("Tell CloudFormation"), joined(code_entry(say, typed), again))
    page = decided(say, launch, joined(*wrong, note(words), retry))
    return Page(status, title, page.content, why)


def plain(say: Say, status: int, title: str, words: str, why: str = "", look: str = "") -> Page:
    return Page(status, say(title), note(words, look), why)
