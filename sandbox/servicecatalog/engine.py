"""The bridge to MiniStack's CloudFormation and S3: the only module here that knows them.

It calls CloudFormation's own action handlers inside the process, so a product's stack is an ordinary stack.
Only the `aws:servicecatalog:` tags, which the API refuses, notification topics and role are set on its
record before its first resource starts (the handler schedules that work, it does not begin it).
"""
# ruff: noqa: SLF001 - MiniStack has no public names for its stores and handlers

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox.patches.engine import cloudformation, ministack

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
TEMPLATE_BODY_MOST = 51_200  # bytes, aws-facts §7.1
_ERROR = re.compile(rb"<Code>(.*?)</Code>\s*<Message>(.*?)</Message>", re.DOTALL)
_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-](?:[a-z0-9-]+\.)?(?:amazonaws\.com(?:\.cn)?|localhost)")
_PATH_HOST = re.compile(r"s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?")


class StackRefusedError(Exception):
    """CloudFormation would not start an operation; the text is its own."""


@dataclass(frozen=True)
class Stack:
    """A stack as it stands; the value of a NoEcho parameter is `****`, that of an SSM parameter its name."""

    id: str
    status: str
    outputs: list[dict[str, str]]
    parameters: dict[str, str]


@dataclass(frozen=True)
class Event:
    """One stack event; `at` in epoch seconds."""

    at: float
    logical_id: str
    resource_type: str
    status: str
    reason: str
    physical_id: str


@dataclass(frozen=True)
class Launch:
    """What a stack is started with."""

    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    notification_arns: tuple[str, ...] = ()
    role_arn: str = ""


class Engine:
    """CloudFormation and S3 of one account and region."""

    def __init__(self, account: str, region: str) -> None:
        self.account = account
        self.region = region

    def create(self, name: str, launch: Launch) -> str:
        """Start a stack; its id. Raises StackRefusedError."""
        self._act("CreateStack", self._request(name, launch.template, launch.parameters))
        stack = self._record(name)
        stack["Tags"] = _tags(launch.tags)
        stack["NotificationARNs"] = list(launch.notification_arns)
        stack["RoleARN"] = launch.role_arn
        return str(stack["StackId"])

    def update(
        self,
        name: str,
        template: str,
        parameters: Mapping[str, str],
        previous: Iterable[str],
        tags: Mapping[str, str],
    ) -> None:
        """Update a stack; `previous` names parameters that keep their value; AWS's own tags stay as they are.

        Raises StackRefusedError.
        """
        request = self._request(name, template, parameters)
        for number, key in enumerate(previous, len(parameters) + 1):
            request[f"Parameters.member.{number}.ParameterKey"] = key
            request[f"Parameters.member.{number}.UsePreviousValue"] = "true"
        self._act("UpdateStack", request)
        stack = self._record(name)
        stack["Tags"] = [tag for tag in stack["Tags"] if tag["Key"].startswith("aws:")] + _tags(tags)

    def delete(self, name: str) -> None:
        """Start deleting a stack; one that is gone already is no error."""
        self._act("DeleteStack", {"StackName": name})

    def stack(self, name: str) -> Stack | None:
        """The stack, deleted or not; None when there never was one (or it did not outlive a restart)."""
        with self._scope():
            found = cloudformation()._stacks.get(name)
        if not found:
            return None
        names = {key: value.get("SsmName") for key, value in found.get("_resolved_params", {}).items()}
        parameters = {
            p["ParameterKey"]: "****" if p.get("NoEcho") else str(names.get(p["ParameterKey"]) or p["ParameterValue"])
            for p in found.get("Parameters", [])
        }
        outputs = [
            {
                "OutputKey": o["OutputKey"],
                "OutputValue": str(o["OutputValue"]),
                "Description": o.get("Description", ""),
            }
            for o in found.get("Outputs", [])
        ]
        return Stack(found["StackId"], found["StackStatus"], outputs, parameters)

    def events(self, stack_id: str) -> list[Event]:
        """A stack's events, oldest first."""
        with self._scope():
            raw = list(cloudformation()._stack_events.get(stack_id, []))
        return [
            Event(
                datetime.fromisoformat(event["Timestamp"]).timestamp(),
                event["LogicalResourceId"],
                event["ResourceType"],
                event["ResourceStatus"],
                event.get("ResourceStatusReason", ""),
                event.get("PhysicalResourceId", ""),
            )
            for event in raw
        ]

    def template_of(self, stack_id: str) -> str | None:
        """The template a stack was made from, by ARN."""
        with self._scope():
            return next(
                (s["_template_body"] for s in cloudformation()._stacks.values() if s["StackId"] == stack_id),
                None,
            )

    def read(self, url: str, origin: str) -> str | None:
        """The text of an S3 object by any of its URLs; None when there is none. Nothing is ever fetched."""
        place = object_place(url, origin)
        if not place:
            return None
        with self._scope():
            body = ministack("services.s3")._get_object_data(*place)
        return body.decode() if body is not None else None

    def _scope(self) -> AbstractContextManager[None]:
        scope: AbstractContextManager[None] = ministack("core.responses").request_scope(self.account, self.region)
        return scope

    def _request(self, name: str, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
        request = {"StackName": name}
        for number, capability in enumerate(CAPABILITIES, 1):
            request[f"Capabilities.member.{number}"] = capability
        for number, (key, value) in enumerate(parameters.items(), 1):
            request[f"Parameters.member.{number}.ParameterKey"] = key
            request[f"Parameters.member.{number}.ParameterValue"] = value
        if len(template.encode()) <= TEMPLATE_BODY_MOST:
            return {**request, "TemplateBody": template}
        return {**request, "TemplateURL": self._store(name, template)}

    def _store(self, name: str, template: str) -> str:
        """Templates too long for a request go through a bucket, as Service Catalog's own do."""
        bucket, key = f"sc-templates-{self.account}-{self.region}", f"{name}.template"
        with self._scope():
            s3 = ministack("services.s3")
            s3._create_bucket(bucket, b"")
            s3._put_object(bucket, key, template.encode(), {})
        return f"https://s3.amazonaws.com/{bucket}/{key}"

    def _act(self, action: str, request: dict[str, str]) -> None:
        with self._scope():
            status, _, body = cloudformation()._ACTION_HANDLERS[action](request)
        if status >= 400:
            found = _ERROR.search(body)
            raise StackRefusedError(unescape((found[2] if found else body).decode()))

    def _record(self, name: str) -> dict[str, Any]:
        with self._scope():
            stack: dict[str, Any] = cloudformation()._stacks[name]
        return stack


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def parse_template(body: str) -> dict[str, Any]:
    """A template's sections; raises ValueError with what is wrong."""
    try:
        template: dict[str, Any] = cloudformation("engine")._parse_template(body)
    except Exception as error:
        raise ValueError(str(error)) from error
    if not isinstance(template.get("Resources"), dict) or not template["Resources"]:
        raise ValueError("At least one Resources member must be defined.")
    return template


def object_place(url: str, origin: str) -> tuple[str, str] | None:
    """(bucket, key) of an object's URL: s3://, S3's own hosts, or path style on this sandbox."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    if parts.scheme == "s3":
        return (host, path) if path else None
    virtual = _VIRTUAL_HOST.fullmatch(host)
    if virtual:
        return (virtual["bucket"], path) if path else None
    if not (_PATH_HOST.fullmatch(host) or host in {"localhost", "127.0.0.1", urlsplit(origin).hostname}):
        return None
    bucket, _, key = path.partition("/")
    return (bucket, key) if key else None
