"""The table behind decisions by e-mail: what waits, the links that were mailed, and what was decided.

The invariant: a launch, that is a stack and a fingerprint, has one row and that row gets one decision, by one
conditional write; whoever comes second, here or at the desk, reads the first one. What CloudFormation is told
is fixed in the row before it is first sent. A link is kept as its hash, its code as the hash of both, and a
guess at the code is compared and counted in the same write, so however many come at once, no link stands
more than five wrong ones. No error of this module quotes a link, a code or a URL.

Rows (partition key `id`, TTL attribute `expires` in epoch seconds):
`launch#<stack id>#<fingerprint>`, for a held update `...#<request id>`, because every try waits for an answer of its
own: stack, fingerprint, gate, hold, facts, until, expires; later decision, body, sent_at, over.
`link#<sha256 of the link>`: launch (an id), code, wrong, expires.
`notify/link.py` puts them, `approve/deciding.py` reads and decides, so each function needs only its own rights.
"""

import json
import os
import re
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from lambdas.shared import call, client, code_of, sha256

WRONG_CODES = 5
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter that looks like another sign


@dataclass(frozen=True)
class Launch:
    """A row about a launch. `until`: epoch seconds after which nothing can be decided."""

    id: str
    stack: str
    fingerprint: str
    gate: str = ""
    hold: dict[str, str] = field(default_factory=dict)  # kind, url unless wiped; response: request_id, physical_id
    facts: dict[str, Any] = field(default_factory=dict)
    until: int = 0
    decision: dict[str, str] = field(default_factory=dict)  # verdict by channel at reason request unique_id
    body: str = ""
    sent_at: str = ""
    over: bool = False


@dataclass(frozen=True)
class Link:
    """A row about a link; `wrong` codes were tried."""

    launch: str
    code: str
    wrong: int


def launch_id(stack_id: str, fingerprint: str, request_id: str = "") -> str:
    return f"launch#{stack_id}#{fingerprint}" + (f"#{request_id}" if request_id else "")


def link_id(link: str) -> str:
    return f"link#{sha256(link)}"


def code_hash(link: str, code: str) -> str:
    return sha256(f"{link}:{code}")


def code_in(typed: str) -> str:
    """The eight characters that were meant, or "" if it cannot be a code."""
    meant = re.sub(r"[\s-]", "", typed).upper().translate(str.maketrans("OIL", "011"))
    return meant if re.fullmatch(f"[{LETTERS}]{{8}}", meant) else ""


def row(item: dict[str, Any]) -> dict[str, Any]:
    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()}


def values(**given: object) -> dict[str, Any]:
    return {f":{name}": TypeSerializer().serialize(value) for name, value in given.items()}


def names_in(*expressions: str) -> dict[str, str]:
    """The expressions' #names; many would be reserved words of DynamoDB without the sign."""
    return {name: name[1:] for name in re.findall(r"#\w+", " ".join(expressions))}


def launch_in(item: dict[str, Any]) -> Launch:
    found = row(item)
    known = {name: found[name] for name in Launch.__dataclass_fields__ if name in found}
    facts = json.loads(found["facts"]) if "facts" in found else {}
    return Launch(**known | {"facts": facts, "until": int(found.get("until", 0))})


def refused(error: ClientError) -> bool:
    """Whether the write's condition did not hold."""
    return code_of(error) == "ConditionalCheckFailedException"


def update(deadline: float, id_: str, change: str, condition: str, **given: object) -> dict[str, Any]:
    """The row after the change. Raises ClientError, with the row in `Item`, when the condition does not hold."""
    changed: dict[str, Any] = call(
        deadline,
        client("dynamodb").update_item,
        TableName=os.environ["DECISIONS_TABLE"],
        Key={"id": {"S": id_}},
        UpdateExpression=change,
        ConditionExpression=condition,
        ExpressionAttributeNames=names_in(change, condition),
        **({"ExpressionAttributeValues": values(**given)} if given else {}),
        ReturnValues="ALL_NEW",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )["Attributes"]
    return changed
