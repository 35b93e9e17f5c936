"""An account with e-mail decisions: table, keys and topic in the sandbox, CloudFormation's buckets on a local port.

The functions run in this process, over HTTP against the sandbox; `Mail` plays the mailbox and the browser.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import boto3
import botocore.client

from lambdas import shared
from lambdas.approve.index import handler
from lambdas.decisions import launch_id
from lambdas.notify.link import asked
from tests.lambdas.cloud import Buckets, Context, serving

REGION = "us-east-1"
APPROVE = {"name": "Amir", "verdict": "approved"}
REJECT = {"name": "Amir", "verdict": "rejected", "reason": "too large"}


class Killed(BaseException):
    """The function's process ends here: nothing may catch it."""


@dataclass
class Answer:
    """What the browser got."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Asked:
    """A launch that waits, and what stands in its mail."""

    stack_id: str
    fingerprint: str
    link: str
    code: str
    url: str
    id: str


@cache
def client_of(account: str, service: Any, endpoint: str) -> Any:
    session = boto3.Session(account, "test", region_name=REGION)
    return session.client(service, endpoint_url=endpoint)


def allowing(topic: str, queue: str) -> dict[str, Any]:
    """The statement that lets a topic fill a queue."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }


@dataclass
class Mail:
    account: str
    buckets: Buckets
    endpoint: str
    names: dict[str, str] = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        return client_of(self.account, service, self.endpoint)

    def deploy(self) -> dict[str, str]:
        """Makes table, topic, queue and key; the environment of both functions."""
        mark = secrets.token_hex(4)
        table = f"gatehouse-decisions-{mark}"
        self.client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        topic = self.client("sns").create_topic(Name=f"gatehouse-launches-{mark}")["TopicArn"]
        arn = f"arn:aws:sqs:{REGION}:{self.account}:gatehouse-desk-{mark}"
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowing(topic, arn)]})
        queue = self.client("sqs").create_queue(QueueName=arn.split(":")[5], Attributes={"Policy": policy})["QueueUrl"]
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        key = self.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        self.names = {"table": table, "queue": queue, "key": key}
        return {
            "TOPIC_ARN": topic,
            "DESK_URL": "https://desk.example.com",
            "DECISIONS_TABLE": table,
            "DECISION_URL": "https://api.example.com",
            "EMAIL_KEY": key,
            "ALLOWED_KEYS": key,
            "DEV_ORIGIN": self.buckets.origin,
        }

    def stack_id(self, name: str) -> str:
        return f"arn:aws:cloudformation:{REGION}:{self.account}:stack/{name}/{uuid4()}"

    def envelope(self, *, update: bool = False, timeout: int = 42600, **changes: Any) -> dict[str, Any]:
        """A launch envelope, as `launch_of` makes it."""
        name = f"SC-{self.account}-pp-{secrets.token_hex(6)}"
        stack_id = changes.pop("stack_id", self.stack_id(name))
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        query = f"X-Amz-Date={changes.pop('date', now)}&X-Amz-Expires=43199&X-Amz-Signature=s3cret-canary"
        hold = {"kind": "wait_handle", "handle": "ApprovalHandleV1", "wait": "ApprovalWaitV1", "timeout": timeout}
        key = quote(f"{stack_id}/5e6f7a8b-0000-4000-8000-000000000002/ApprovalHandleV1", safe="/")
        hold["url"] = f"{self.buckets.origin}/cloudformation-waitcondition-us-east-1/{key}?{query}"
        if update:
            request_id = changes.pop("request_id", str(uuid4()))
            key = quote(f"{stack_id}|ApprovalRequestV1|{request_id}", safe="/")
            hold |= {"kind": "response", "handle": "", "wait": "", "request_id": request_id}
            hold |= {"physical_id": f"gatehouse-{'b' * 64}", "timeout": 3600}
            hold["url"] = f"{self.buckets.origin}/cloudformation-custom-resource-response-useast1/{key}?{query}"
        made: dict[str, Any] = {
            "stack_id": stack_id,
            "event": "Update" if update else "Create",
            "logical_id": "ApprovalRequestV1",
            "fingerprint": secrets.token_hex(32),
            "hold": hold,
            "gate": {"receipt": True, "gate_updates": True, "email_decisions": True},
            "stack": {"name": name, "status": "UPDATE_IN_PROGRESS" if update else "CREATE_IN_PROGRESS"},
            "product": {"product_id": "prod-abcdefghijklm"},
            "requester": {"principal_arn": f"arn:aws:sts::{self.account}:assumed-role/Dev/rita", "email": ""},
            "parameters": [{"name": "Size", "value": "large", "no_echo": False, "length": 5}],
            "template": {"description": "A site", "resource_types": {"AWS::SQS::Queue": 2}, "cut": False},
        }
        return made | changes

    def launch(self, **changes: Any) -> Asked:
        return self.asked(self.envelope(**changes))

    def asked(self, envelope: dict[str, Any]) -> Asked:
        invitation = asked(envelope, Context().get_remaining_time_in_millis() + 1e9)
        assert invitation is not None
        link = invitation.link.removeprefix("https://api.example.com/d/")
        hold = envelope["hold"]
        id_ = launch_id(envelope["stack_id"], envelope["fingerprint"], hold.get("request_id", ""))
        return Asked(envelope["stack_id"], envelope["fingerprint"], link, invitation.code, hold["url"], id_)

    def visit(self, link: str, method: str = "GET", form: dict[str, str] | None = None, **headers: str) -> Answer:
        """One HTTP request, as an HTTP API hands it to the function (payload 2.0)."""
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": f"{method} /d/{{link}}",
            "rawPath": f"/d/{link}",
            "rawQueryString": "",
            "headers": {"host": "api.example.com", **{k.replace("_", "-"): v for k, v in headers.items()}},
            "pathParameters": {"link": link},
            "requestContext": {"http": {"method": method, "path": f"/d/{link}", "sourceIp": "192.0.2.1"}},
            "isBase64Encoded": False,
        }
        if form is not None:
            event |= {"body": base64.b64encode(urlencode(form).encode()).decode(), "isBase64Encoded": True}
        return self.send(event)

    def send(self, event: Any) -> Answer:
        answer = handler(event, Context(26))
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def post(self, launch: Asked, form: dict[str, str], **headers: str) -> Answer:
        return self.visit(launch.link, "POST", {"code": launch.code, **form}, **headers)

    def row(self, launch: Asked) -> dict[str, Any]:
        """The launch as the table has it, in DynamoDB's own notation."""
        key = {"id": {"S": launch.id}}
        found = self.client("dynamodb").get_item(TableName=self.names["table"], Key=key)
        row: dict[str, Any] = found.get("Item", {})
        return row

    def rows(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.client("dynamodb").scan(TableName=self.names["table"])["Items"]
        return items

    def heard(self) -> list[dict[str, Any]]:
        """The envelopes the desk's queue holds."""
        sqs = self.client("sqs")
        found: list[dict[str, Any]] = []
        while True:
            got = sqs.receive_message(QueueUrl=self.names["queue"], MaxNumberOfMessages=10, WaitTimeSeconds=0)
            if not got.get("Messages"):
                return found
            for message in got["Messages"]:
                sqs.delete_message(QueueUrl=self.names["queue"], ReceiptHandle=message["ReceiptHandle"])
                body = json.loads(message["Body"])
                found.append(json.loads(body["Message"]) | {"attributes": body["MessageAttributes"]})


@contextmanager
def watched(monkeypatch: Any, before: Callable[[str], None], after: Callable[[str], None]) -> Iterator[None]:
    """Calls back around every call to AWS, by its operation's name, and around every PUT to S3 ("PUT")."""
    import lambdas.approve.signal as signal

    calls, puts = botocore.client.BaseClient._make_api_call, signal.put  # type: ignore[attr-defined]

    def api_call(self: Any, operation: str, params: Any) -> Any:
        before(operation)
        try:
            return calls(self, operation, params)
        finally:
            after(operation)

    def put(url: str, body: bytes, timeout: float) -> int:
        before("PUT")
        status: int = puts(url, body, timeout)
        after("PUT")
        return status

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", api_call)
        patch.setattr(signal, "put", put)
        yield


@contextmanager
def mail_in(account: str, endpoint: str, monkeypatch: Any) -> Iterator[Mail]:
    """A fresh table, topic and key in the account, and the functions' environment."""
    with serving() as buckets:
        mail = Mail(account, buckets, endpoint)
        environment = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": account, **mail.deploy()}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        shared.client.cache_clear()
        yield mail
        shared.client.cache_clear()
