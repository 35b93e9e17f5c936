"""The table, approve's side: who holds a link, what it is about, and the one decision.

The invariant stands in `decisions.py`: one conditional write decides, and reading counts nothing.
"""

import hmac
import os
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from lambdas.decisions import (
    WRONG_CODES,
    Launch,
    Link,
    code_hash,
    launch_in,
    link_id,
    refused,
    row,
    update,
)
from lambdas.shared import call, client


def read_row(deadline: float, id_: str) -> dict[str, Any]:
    read = client("dynamodb").get_item
    found = call(deadline, read, TableName=os.environ["DECISIONS_TABLE"], Key={"id": {"S": id_}}, ConsistentRead=True)
    item: dict[str, Any] = found.get("Item", {})
    return item


def held(error: ClientError) -> Any:
    """The row whose condition did not hold; empty when there was none."""
    response: dict[str, Any] = {**error.response}
    return response.get("Item", {})


def link_of(deadline: float, link: str, now: float) -> Link | None:
    """The link's row; None if there is none, or none any more."""
    found = row(read_row(deadline, link_id(link)))
    if not found or found["expires"] <= now:
        return None
    return Link(found["launch"], found["code"], int(found["wrong"]))


def launch_of_link(deadline: float, link: Link) -> Launch | None:
    item = read_row(deadline, link.launch)
    return launch_in(item) if item else None


def wrong_codes(deadline: float, link: str, code: str) -> int:
    """0 if the code is right; else how many wrong ones there were with this one, five when the link is locked."""
    hashed = code_hash(link, code)
    try:
        counted = update(
            deadline,
            link_id(link),
            "SET #wrong = #wrong + :one",
            "#wrong < :most AND #code <> :code",
            one=1,
            most=WRONG_CODES,
            code=hashed,
        )
    except ClientError as error:
        if not refused(error):
            raise
        # The condition does not hold: the code is right, or the link is locked or gone.
        found = row(held(error)) or row(read_row(deadline, link_id(link)))
        right = bool(found) and found["wrong"] < WRONG_CODES and hmac.compare_digest(found["code"], hashed)
        return 0 if right else WRONG_CODES
    return int(row(counted)["wrong"])


def decide(deadline: float, launch: Launch, decision: dict[str, str], now: int) -> Launch:
    """The launch as it stands after the attempt: with this decision only if it was the first, and in time."""
    try:
        return launch_in(
            update(
                deadline,
                launch.id,
                "SET #decision = :decision",
                "attribute_not_exists(#decision) AND attribute_not_exists(#over) AND #until > :now"
                " AND #hold.#url = :url",
                decision=decision,
                now=now,
                url=launch.hold["url"],
            )
        )
    except ClientError as error:
        if not refused(error):
            raise
        item = held(error) or read_row(deadline, launch.id)
        return launch_in(item) if item else replace(launch, over=True)


def fix_body(deadline: float, launch: Launch, body: str) -> str:
    """What CloudFormation is told: the text that was fixed first."""
    fixed = update(
        deadline,
        launch.id,
        "SET #body = if_not_exists(#body, :body)",
        "#decision.#unique_id = :own",
        body=body,
        own=launch.decision["unique_id"],
    )
    return str(row(fixed)["body"])


def mark_sent(deadline: float, launch: Launch, at: str) -> None:
    """S3 took the answer; the URL has done its work and is wiped."""
    update(
        deadline,
        launch.id,
        "SET #sent_at = if_not_exists(#sent_at, :at) REMOVE #hold.#url",
        "#decision.#unique_id = :own",
        at=at,
        own=launch.decision["unique_id"],
    )
