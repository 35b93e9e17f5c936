"""What a template says about a topic and MiniStack forgets, and the policy AWS gives a topic that has none."""

import json
from typing import Any

KEPT = ("SignatureVersion", "KmsMasterKeyId", "TracingConfig")
ACTIONS = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)


def settings(topic: dict[str, Any], properties: dict[str, Any]) -> None:
    """Bring a topic's attributes in line with the template's properties."""
    attributes, arn = topic["attributes"], topic["arn"]
    for name in KEPT:
        attributes.pop(name, None)
        if name in properties:
            attributes[name] = str(properties[name])
    policy = json.loads(attributes.get("Policy") or "{}")
    if policy.get("Id") == "__default_policy_ID":
        attributes["Policy"] = json.dumps(default_policy(arn))


def default_policy(arn: str) -> dict[str, Any]:
    """Everything for the owner's account, nothing for any other."""
    owner = {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}}
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in ACTIONS],
        "Resource": arn,
        "Condition": owner,
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
