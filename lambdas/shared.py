"""What notify and verify have in common: reading what CloudFormation asked, and answering it.

The invariant: an answer goes only to CloudFormation's own bucket of the stack's region, under a key that
names the stack, the resource and the request; every URL is sent exactly as it came and logged nowhere.

In the template this module stands once, and a function is this module followed by its own (`build.py`).
"""

import hashlib
import http.client
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

STACK_ARN = re.compile(
    r"arn:(aws|aws-cn|aws-us-gov):cloudformation:([a-z]{2}(?:-[a-z]+)+-\d):(\d{12})"
    r":stack/([A-Za-z][A-Za-z0-9-]{0,127})/[A-Za-z0-9-]{1,64}",
    re.ASCII,
)
URL = re.compile(r'[^\x00-\x20"#<>\\^`{|}\x7f-\U0010ffff]{1,8192}')
PASSING = re.compile("Throttl|Throughput|TooMany|RequestLimit|AccessDenied|Timeout|Internal|Unavailable")
RESERVE_S = 3.0  # kept of the function's time, whatever happens
PUT_S = 5.0
ATTEMPT_S = 6.0  # one call to AWS: 2 s to connect, 4 s to read


class Refused(Exception):
    """What the event asks must not be done; the sentence says why and may be read by anyone."""


class Undelivered(Exception):
    """S3 did not take the answer in time; raised so that Lambda sends the same event again."""


@dataclass(frozen=True)
class Stack:
    id: str
    partition: str
    region: str
    account: str
    name: str


@dataclass(frozen=True)
class Request:
    """A custom-resource event whose ResponseURL is known to be CloudFormation's (aws-facts section 2)."""

    type: str
    id: str
    stack: Stack
    logical_id: str
    physical_id: str
    response_url: str
    properties: dict[str, Any]
    old_properties: dict[str, Any]
    deadline: float  # time.monotonic() by which the answer must be on its way


def log(message: str, **fields: object) -> None:
    print(json.dumps({"message": message, **fields}))


def code_of(error: Exception) -> str:
    """A name for the error without its text, which may quote a URL."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__


def sha256(data: str | bytes) -> str:
    return hashlib.sha256(data.encode("utf-8", "replace") if isinstance(data, str) else data).hexdigest()


def canonical(value: object) -> bytes:
    """The one JSON text of a value, for hashing."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def client(service: Any, region: str | None = None) -> Any:
    once = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 1})
    return boto3.client(service, region_name=region, config=once)


def call(deadline: float, operation: Callable[..., Any], **arguments: Any) -> Any:
    """What `operation` returns; passing trouble is retried as long as an answer can still be given, then raised."""
    trouble: Exception = TimeoutError()
    for delay in (0.5, 1, 2, 4, None):
        if time.monotonic() + ATTEMPT_S + PUT_S > deadline:
            raise trouble
        try:
            return operation(**arguments)
        except ClientError as error:
            if delay is None or not PASSING.search(code_of(error)):
                raise
            trouble = error
        except BotoCoreError as error:
            if delay is None:
                raise
            trouble = error
        time.sleep(delay)
    raise AssertionError


def deadline_of(context: Any) -> float:
    return time.monotonic() + float(context.get_remaining_time_in_millis()) / 1000 - RESERVE_S


def stack_of(arn: object) -> Stack:
    """The stack, if it is one of this account and region (the topic's). Raises Refused."""
    match = STACK_ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        raise Refused("The event names no stack.")
    stack = Stack(match[0], *match.groups())
    _, partition, _, region, account, _ = os.environ["TOPIC_ARN"].split(":")
    if (stack.partition, stack.region, stack.account) != (partition, region, account):
        raise Refused("The stack is not one of this account and region.")
    return stack


def hosts(stack: Stack, bucket: str) -> set[str]:
    """The names S3 has for a bucket in the stack's partition (aws-facts section 1.2)."""
    region = stack.region
    if stack.partition == "aws-cn":
        return {f"{bucket}.s3.{region}.amazonaws.com.cn"}
    regional = {f"{bucket}.s3.{region}.amazonaws.com", f"{bucket}.s3-{region}.amazonaws.com"}
    return regional if stack.partition == "aws-us-gov" else {f"{bucket}.s3.amazonaws.com", *regional}


def key_of(url: object, stack: Stack, bucket: str) -> str:
    """The decoded key of a URL into that bucket of CloudFormation's; raises Refused for any other."""
    if not isinstance(url, str) or not URL.fullmatch(url):
        raise Refused("A URL in the event is not one.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Refused("A URL in the event is not one.") from None
    development = os.environ.get("DEV_ORIGIN")
    if development and f"{parts.scheme}://{parts.netloc}" == development:
        root = f"/{bucket}/"
    elif parts.scheme == "https" and parts.netloc in hosts(stack, bucket):
        root = "/"
    else:
        raise Refused("A URL in the event does not lead to CloudFormation.")
    if not parts.path.startswith(root):
        raise Refused("A URL in the event does not lead to CloudFormation.")
    return unquote(parts.path.removeprefix(root))


def request_of(event: Any, context: Any) -> Request:
    """The checked custom-resource event. Raises Refused: then nobody can be answered."""
    if not isinstance(event, dict):
        raise Refused("The event is not one of CloudFormation.")
    stack = stack_of(event.get("StackId"))
    logical_id, request_id = str(event.get("LogicalResourceId")), str(event.get("RequestId"))
    if not re.fullmatch("[A-Za-z0-9]{1,255}", logical_id) or not re.fullmatch("[A-Za-z0-9-]{1,128}", request_id):
        raise Refused("The event names no resource or no request.")
    bucket = f"cloudformation-custom-resource-response-{stack.region.replace('-', '')}"
    if key_of(event.get("ResponseURL"), stack, bucket) != f"{stack.id}|{logical_id}|{request_id}":
        raise Refused("The ResponseURL is not of this stack, resource and request.")
    properties, old = event.get("ResourceProperties"), event.get("OldResourceProperties")
    physical_id = str(event.get("PhysicalResourceId") or "")
    return Request(
        type=str(event.get("RequestType")),
        id=request_id,
        stack=stack,
        logical_id=logical_id,
        physical_id=physical_id if re.fullmatch("[!-~]{1,1024}", physical_id) else "",
        response_url=event["ResponseURL"],
        properties=properties if isinstance(properties, dict) else {},
        old_properties=old if isinstance(old, dict) else {},
        deadline=deadline_of(context),
    )


def put(url: str, body: bytes, timeout: float) -> int:
    """The HTTP status of one PUT: no redirects, no proxies, nothing re-encoded, an empty Content-Type."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connect(parts.netloc, timeout=timeout)
    try:
        connection.request("PUT", url.split(parts.netloc, 1)[1], body, {"Content-Type": ""})
        return connection.getresponse().status
    finally:
        connection.close()


def answer(request: Request, status: str, physical_id: str, reason: str = "", data: Any = None) -> bool:
    """Tells CloudFormation; True when S3 took it (then CloudFormation did ask), False when it refused.

    The body is ASCII and stays under 4,096 bytes (aws-facts section 2). Raises Undelivered when time runs out.
    """
    body = {
        "Status": status,
        "Reason": reason[:500],
        "PhysicalResourceId": physical_id,
        "StackId": request.stack.id,
        "RequestId": request.id,
        "LogicalResourceId": request.logical_id,
        "Data": data or {},
    }
    delay = 0.5
    while True:
        left = request.deadline - time.monotonic()
        try:
            code = put(request.response_url, json.dumps(body).encode(), max(1.0, min(PUT_S, left)))
        except (OSError, http.client.HTTPException) as error:
            code, trouble = 0, type(error).__name__
        else:
            trouble = f"HTTP {code}"
        if 200 <= code < 500:
            log("answered", answer=status, http=code, request=request.id, stack=request.stack.id)
            return code < 300
        if left < delay + 1:
            log("not answered", trouble=trouble, request=request.id, stack=request.stack.id)
            raise Undelivered(trouble)
        time.sleep(delay)
        delay *= 2


def envelope_of(kind: str, id_: str, stack: Stack, /, **fields: Any) -> dict[str, Any]:
    """An envelope, version 1 (envelope.schema.json)."""
    now = rfc3339(datetime.now(UTC))
    return {"version": 1, "kind": kind, "id": id_, "sent_at": now, "stack_id": stack.id, **fields}


def doors() -> tuple[str, ...]:
    """The protocols the desk listens on; plain HTTP only where AWS itself is local."""
    return ("sqs", "https", "http") if os.environ.get("DEV_ORIGIN") else ("sqs", "https")


def message_of(envelope: dict[str, Any], text: str) -> str:
    """The Message for MessageStructure=json: the desk's doors get the envelope, everybody else words."""
    body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    message = json.dumps({"default": text, **dict.fromkeys(doors(), body)}, ensure_ascii=False)
    return message.encode("utf-8", "replace").decode()


def publish(deadline: float, kind: str, subject: str, message: str) -> None:
    """Hands the message to the topic, durably. `kind` is what subscriptions filter on."""
    call(
        deadline,
        client("sns").publish,
        TopicArn=os.environ["TOPIC_ARN"],
        Subject=subject[:99],
        Message=message,
        MessageStructure="json",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
    )
    log("published", kind=kind)
