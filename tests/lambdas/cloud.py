"""Doubles for the functions' surroundings: AWS behind boto3, CloudFormation's buckets, Lambda's clock.

AWS answers from memory, but every request and answer is checked against botocore's own model. The buckets
are a real HTTP server, so what is PUT is what went over the wire.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import yaml
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

ACCOUNT, REGION = "111122223333", "us-east-1"
STACK_NAME = f"SC-{ACCOUNT}-pp-abcdefghijklm"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK_NAME}/3a1b2c3d-0000-4000-8000-000000000001"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:gatehouse-launches"
PRINCIPAL = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Developers_0123456789abcdef/rita@example.com"
TAGS = {
    "aws:servicecatalog:provisioningPrincipalArn": PRINCIPAL,
    "aws:servicecatalog:productArn": f"arn:aws:catalog:{REGION}:{ACCOUNT}:product/prod-abcdefghijklm",
    "aws:servicecatalog:portfolioArn": f"arn:aws:catalog:{REGION}:{ACCOUNT}:portfolio/port-abcdefghijklm",
    "aws:servicecatalog:provisionedProductArn": f"arn:aws:servicecatalog:{REGION}:{ACCOUNT}:stack/site/pp-abc",
    "aws:servicecatalog:provisioningArtifactIdentifier": "pa-abcdefghijklm",
    "team": "shop",
}
TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Description: One queue behind a gate
Parameters:
  Email: {Type: String}
Resources:
  ApprovalHandleV1:
    Type: AWS::CloudFormation::WaitConditionHandle
  ApprovalRequestV1:
    Type: Custom::NotificationFunction
    Properties:
      ServiceToken: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-notify
      WaitUrl: !Ref ApprovalHandleV1
      EmailID: !Ref Email
  ApprovalWaitV1:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: ApprovalRequestV1
    Properties: {Handle: !Ref ApprovalHandleV1, Timeout: '42600'}
  ApprovalReceiptV1:
    Type: Custom::ApprovalReceipt
    Properties:
      Data: !GetAtt ApprovalWaitV1.Data
      Fingerprint: !GetAtt ApprovalRequestV1.Fingerprint
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: ApprovalReceiptV1
"""


class Clock:
    """Stands in for the `time` module of the functions: sleeping moves it, nothing waits."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Context:
    """Lambda's context object, as far as the functions use it."""

    seconds: float = 60

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Put:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Buckets:
    """CloudFormation's buckets on a local port. `statuses` are answered in turn, then 200."""

    origin: str = ""
    puts: list[Put] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    on_put: Callable[[], None] = lambda: None

    def response_url(self, logical_id: str, request_id: str, stack_id: str = STACK_ID) -> str:
        key = quote(f"{stack_id}|{logical_id}|{request_id}", safe="/")
        return f"{self.origin}/cloudformation-custom-resource-response-useast1/{key}?X-Amz-Signature=s3cret"

    def wait_url(self, handle: str = "ApprovalHandleV1", stack_id: str = STACK_ID) -> str:
        key = quote(f"{stack_id}/5e6f7a8b-0000-4000-8000-000000000002/{handle}", safe="/")
        query = "X-Amz-Date=20260911T101112Z&X-Amz-Expires=43199&X-Amz-Signature=s3cret"
        return f"{self.origin}/cloudformation-waitcondition-us-east-1/{key}?{query}"


@contextmanager
def serving() -> Iterator[Buckets]:
    buckets = Buckets()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            buckets.on_put()
            buckets.puts.append(Put(self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
            status = buckets.statuses.pop(0) if buckets.statuses else 200
            self.send_response(status)
            if status in (301, 307):
                self.send_header("Location", f"{buckets.origin}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        buckets.origin = f"http://localhost:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield buckets
        server.shutdown()
        thread.join()


@dataclass
class Cloud:
    """One account: a stack that waits, and a topic. `errors` maps an operation to what it raises, in turn."""

    status: str = "CREATE_IN_PROGRESS"
    template: Any = TEMPLATE
    processed: Any = None
    summary: dict[str, Any] | None = None
    parameters: dict[str, str] = field(default_factory=lambda: {"Email": "rita@example.com"})
    resolved: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=lambda: dict(TAGS))
    resources: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    verify: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {"SignatureValid": True}
    published: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def api_call(self, client: Any, operation: str, params: dict[str, Any]) -> Any:
        """Replaces botocore's BaseClient._make_api_call."""
        model = client.meta.service_model.operation_model(operation)
        validate_parameters(params, model.input_shape)
        self.calls.append(operation)
        if waiting := self.errors.get(operation):
            raise waiting.pop(0)
        answer = getattr(self, f"_{operation}")(params)
        validate_parameters(answer, model.output_shape)
        return decoded(answer) if operation == "GetTemplate" else answer

    def _DescribeStacks(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert params["StackName"] == STACK_ID
        return {
            "Stacks": [
                {
                    "StackName": STACK_NAME,
                    "StackId": STACK_ID,
                    "StackStatus": self.status,
                    "StackStatusReason": "see https://example.com/?token=s3cret now",
                    "CreationTime": datetime(2026, 9, 11, 10, 11, 10, tzinfo=UTC),
                    "Capabilities": ["CAPABILITY_IAM"],
                    "Parameters": [self.parameter(name) for name in self.parameters],
                    "Tags": [{"Key": k, "Value": v} for k, v in self.tags.items()],
                }
            ]
        }

    def parameter(self, name: str) -> dict[str, str]:
        shown = {"ParameterKey": name, "ParameterValue": self.parameters[name]}
        return shown | ({"ResolvedValue": self.resolved[name]} if name in self.resolved else {})

    def _GetTemplate(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        body = self.template if params["TemplateStage"] == "Original" else self.processed
        return {
            "TemplateBody": body if isinstance(body, str) else json.dumps(body),
            "StagesAvailable": ["Original", "Processed"],
        }

    def _GetTemplateSummary(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        """AWS reads YAML as YAML is; `summary` stands in for a template that says something else to us."""
        return self.summary if self.summary is not None else {"ResourceTypes": sorted(types_in(self.template))}

    def _DescribeStackResource(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = self.resources.get(params["LogicalResourceId"])
        if found is None:
            raise error("DescribeStackResource", "ValidationError")
        type_, status, physical_id = found
        return {
            "StackResourceDetail": {
                "LogicalResourceId": params["LogicalResourceId"],
                "PhysicalResourceId": physical_id,
                "ResourceType": type_,
                "ResourceStatus": status,
                "LastUpdatedTimestamp": datetime(2026, 9, 11, 10, 12, tzinfo=UTC),
            }
        }

    def _Publish(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.published.append(params)
        self.order.append("published")
        return {"MessageId": "5e6f7a8b"}

    def _PutItem(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.rows.append({name: next(iter(value.values())) for name, value in params["Item"].items()})
        self.order.append("stored")
        return {}

    def _UpdateItem(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.rows.append({"id": params["Key"]["id"]["S"], "change": params["UpdateExpression"]})
        return {"Attributes": {}}

    def _Verify(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self.verify(params)

    def envelope(self, index: int = -1) -> dict[str, Any]:
        message = json.loads(self.published[index]["Message"])
        assert message["sqs"] == message["https"]
        envelope: dict[str, Any] = json.loads(message["sqs"])
        return envelope

    def kind(self, index: int = -1) -> str:
        """The attribute subscriptions filter on."""
        return str(self.published[index]["MessageAttributes"]["kind"]["StringValue"])


def types_in(body: Any) -> set[str]:
    """The types of a template's resources, by a whole YAML parser."""
    tree = body
    if isinstance(body, str):
        try:
            tree = yaml.load(body, AnyTag)  # noqa: S506 - a SafeLoader
        except yaml.YAMLError:
            return set()
    resources = tree.get("Resources", {}) if isinstance(tree, dict) else {}
    return {resource["Type"] for resource in resources.values()}


class AnyTag(yaml.SafeLoader):
    """Takes CloudFormation's short forms, without a meaning."""


AnyTag.add_multi_constructor("!", lambda *_: None)


def decoded(answer: dict[str, Any]) -> dict[str, Any]:
    """boto3 hands a JSON template over as a mapping, and any other as text."""
    with suppress(ValueError):
        return {**answer, "TemplateBody": json.loads(answer["TemplateBody"])}
    return answer


def error(operation: str, code: str, status: int = 400) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "secret https://example.com/?X-Amz-Signature=s3cret"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)
