"""The policies AWS wants before its services or people act: a topic into a queue, somebody in a role."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any


def statement(**members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **members}]})


def topic(sqs: Any, queue_url: str, topic_arn: str) -> str:
    """Let a topic send to a queue; returns the queue's ARN."""
    known = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    policy = statement(
        Principal={"Service": "sns.amazonaws.com"},
        Action="sqs:SendMessage",
        Resource=known["QueueArn"],
        Condition={"ArnEquals": {"aws:SourceArn": topic_arn}},
    )
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})
    return str(known["QueueArn"])


def role(iam: Any, name: str, *actions: str, principal: dict[str, str] | None = None) -> None:
    """A role with these actions on everything; anybody may assume it unless `principal` says who may."""
    who = principal or {"AWS": "*"}
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=statement(Principal=who, Action="sts:AssumeRole"))
    if actions:
        document = statement(Action=list(actions), Resource="*")
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
