"""Deciding with the link and the code of a mail, over HTTP, as a person would, after a scanner has been there."""

import json
import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode

from lambdas.decisions import Launch, launch_in
from sandbox.problems import ProblemError

NAME = "Amir Approver"
REASON = "Please use the shared study environment."
INVITATION = re.compile(r"Approve or reject: (\S+)\n\nCode: (\S+)\n")


class WrongAnswerError(ProblemError):
    """The page behind the link did something else than it must."""


def letters(sandbox_url: str, address: str) -> list[dict[str, Any]]:
    """What the mailbox has for this address."""
    found: list[dict[str, Any]] = json.loads(fetch(f"{sandbox_url}/mailbox/messages.json?to={quote(address)}")[1])
    return found


def fetch(url: str, form: dict[str, str] | None = None, method: str | None = None) -> tuple[int, str]:
    """Status and page."""
    data = urlencode(form).encode() if form is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=40) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


class Mail:
    """The administrator's mailbox, and the table behind the links."""

    def __init__(self, sandbox_url: str, address: str, dynamodb: Any, table: str) -> None:
        self._sandbox_url, self._address = sandbox_url, address
        self._dynamodb, self._table = dynamodb, table

    def asked(self, stack_id: str, nth: int) -> str:
        return "by mail" if len(self._invitations(stack_id)) >= nth else ""

    def decide(self, stack_id: str, verdict: str) -> None:
        """Read it, try without the code, decide, and try to decide otherwise. Raises WrongAnswerError."""
        link, code = self._invitations(stack_id)[0]
        for method in ("GET", "HEAD", "GET"):
            status, page = fetch(link, method=method)
            _must(status == 200 and code not in page, f"{method} answered {status}")
        form = {"name": NAME, "verdict": verdict, "reason": REASON}
        status, _ = fetch(link, form)
        _must(status >= 400 and self.state(stack_id) == "undecided", f"a POST without the code answered {status}")
        status, _ = fetch(link, form | {"code": code})
        _must(status == 200 and self.state(stack_id) == verdict, f"the POST with the code answered {status}")
        other = {"approved": "rejected", "rejected": "approved"}[verdict]
        status, page = fetch(link, form | {"code": code, "verdict": other, "name": "Somebody Else"})
        _must(status == 409 and NAME in page, f"the second POST answered {status} and did not say who decided")

    def state(self, stack_id: str) -> str:
        launch = self._launch(stack_id)
        if launch is None:
            return "unheard of"
        return launch.decision.get("verdict") or ("expired" if launch.over else "undecided")

    def known(self, verdict: str, _status: str) -> str:
        return verdict

    def _invitations(self, stack_id: str) -> list[tuple[str, str]]:
        """Link and code, newest first."""
        line = f"Stack: {stack_id.split('/')[1]}\n"
        texts = (letter["text"] for letter in letters(self._sandbox_url, self._address))
        found = (INVITATION.search(text) for text in texts if line in text)
        return [(match[1], match[2]) for match in found if match]

    def _launch(self, stack_id: str) -> Launch | None:
        items = self._dynamodb.scan(TableName=self._table, ConsistentRead=True)["Items"]
        launches = [launch_in(item) for item in items if item["id"]["S"].startswith(f"launch#{stack_id}#")]
        return launches[0] if launches else None


def _must(held: bool, otherwise: str) -> None:
    if not held:
        raise WrongAnswerError(otherwise)
