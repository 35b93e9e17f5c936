"""Decisions by e-mail, notify's side: what the link in the mail leads to.

The invariant: a launch is in the table before its mail is sent, so no link leads nowhere; a repeated event
makes another link to the same launch. Link and code are returned for the mail's text and go nowhere else.
"""

import json
import os
import secrets
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.decisions import (
    LETTERS,
    Launch,
    code_hash,
    launch_id,
    link_id,
    names_in,
    refused,
    update,
    values,
)
from lambdas.notify.message import Invitation, until_of
from lambdas.shared import call, client, code_of, log

FACTS_BYTES = 250_000  # a row has room for 400 KB
LEFT_FOR_THE_DESK_S = 25
KEPT_S = 86_400  # after the wait: the link still says who decided


def decides_by_mail() -> bool:
    return bool(os.environ.get("DECISIONS_TABLE") and os.environ.get("DECISION_URL"))


def facts_of(envelope: dict[str, Any]) -> dict[str, Any]:
    """What the page shows; long values are cut until all of it fits into a row."""
    facts: dict[str, Any] = {
        "update": envelope["stack"]["status"].startswith("UPDATE"),
        "name": envelope["stack"]["name"],
        "product": envelope["product"]["product_id"],
        "principal": envelope["requester"]["principal_arn"],
        "email": envelope["requester"]["email"],
        "receipt": envelope["gate"]["receipt"],
        "description": envelope["template"]["description"][:1000],
        "types": envelope["template"]["resource_types"],
        "cut": envelope["template"]["cut"],
    }
    for longest in (1000, 100, 10):
        facts["parameters"] = [
            {"name": p["name"], "value": p["value"][:longest], "hidden": p["no_echo"], "length": p["length"]}
            for p in envelope["parameters"]
        ]
        if len(text_of(facts).encode()) <= FACTS_BYTES:
            break
    return facts


def text_of(facts: dict[str, Any]) -> str:
    """JSON as UTF-8 can hold it; AWS lets half a surrogate pair through."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()


def put_row(deadline: float, item: dict[str, Any], condition: str, **given: object) -> None:
    call(
        deadline,
        client("dynamodb").put_item,
        TableName=os.environ["DECISIONS_TABLE"],
        Item={name: TypeSerializer().serialize(value) for name, value in item.items()},
        ConditionExpression=condition,
        ExpressionAttributeNames=names_in(condition),
        **({"ExpressionAttributeValues": values(**given)} if given else {}),
    )


def remember(deadline: float, launch: Launch) -> None:
    """Stores the launch unless it is known."""
    item = {
        "id": launch.id,
        "stack": launch.stack,
        "fingerprint": launch.fingerprint,
        "gate": launch.gate,
        "hold": launch.hold,
        "facts": text_of(launch.facts),
        "until": launch.until,
        "expires": launch.until + KEPT_S,
    }
    try:
        put_row(deadline, item, "attribute_not_exists(#id)")
    except ClientError as error:
        if not refused(error):
            raise


def invite(deadline: float, launch: Launch) -> tuple[str, str]:
    """A new link and its code; both exist nowhere else."""
    link = secrets.token_urlsafe(32)
    code = "".join(secrets.choice(LETTERS) for _ in range(8))
    item = {
        "id": link_id(link),
        "launch": launch.id,
        "code": code_hash(link, code),
        "wrong": 0,
        "expires": launch.until + KEPT_S,
    }
    # A second try of the same put writes the same row.
    put_row(deadline, item, "attribute_not_exists(#id) OR #code = :code", code=item["code"])
    return link, code


def mark_over(deadline: float, stack_id: str, fingerprint: str) -> None:
    """CloudFormation deleted the gate: nothing can be decided any more, and the URL is wiped."""
    try:
        update(
            deadline,
            launch_id(stack_id, fingerprint),
            "SET #over = :over REMOVE #hold.#url",
            "attribute_exists(#hold)",
            over=True,
        )
    except ClientError as error:
        if not refused(error):
            raise


def asked(envelope: dict[str, Any], deadline: float) -> Invitation | None:
    """Stores the launch with a fresh link. None while e-mail decisions are off, and when the table is out of
    reach but a desk can decide; without a desk that trouble is raised, for then nobody could."""
    if not decides_by_mail():
        return None
    hold = envelope["hold"]
    launch = Launch(
        id=launch_id(envelope["stack_id"], envelope["fingerprint"], hold.get("request_id", "")),
        stack=envelope["stack_id"],
        fingerprint=envelope["fingerprint"],
        gate=envelope["logical_id"],
        hold={name: hold[name] for name in ("kind", "url", "request_id", "physical_id") if name in hold},
        facts=facts_of(envelope),
        until=int(until_of(hold).timestamp()),
    )
    desk = os.environ.get("DESK_URL")
    deadline -= LEFT_FOR_THE_DESK_S if desk else 0
    try:
        remember(deadline, launch)
        link, code = invite(deadline, launch)
    except (ClientError, BotoCoreError, TimeoutError) as error:
        if not desk:
            raise
        log("no link could be made", error=code_of(error), stack=launch.stack)
        return None
    return Invitation(f"{os.environ['DECISION_URL']}/d/{link}", f"{code[:4]}-{code[4:]}")


def closed(stack_id: str, fingerprint: str, deadline: float) -> None:
    """The gate is gone: its links decide nothing any more. Trouble is logged; the desk has to hear of it anyway."""
    if not decides_by_mail():
        return
    try:
        mark_over(deadline - LEFT_FOR_THE_DESK_S, stack_id, fingerprint)
    except (ClientError, BotoCoreError, TimeoutError) as error:
        log("the launch could not be closed", error=code_of(error), stack=stack_id)
