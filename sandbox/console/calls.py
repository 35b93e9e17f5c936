"""Service Catalog as the person in front of the console calls it: the same operations and checks."""

from typing import Any

from sandbox.servicecatalog import protocol, templates
from sandbox.servicecatalog.engine import Engine, Event, Stack
from sandbox.servicecatalog.entities import Caller
from sandbox.servicecatalog.operations import perform
from sandbox.servicecatalog.store import catalogue
from sandbox.servicecatalog.templates import Template


def call(caller: Caller, operation: str, **params: Any) -> dict[str, Any]:
    """Perform an operation; raises CatalogueError."""
    return perform(operation, caller, protocol.check(protocol.model().operation_model(operation), params))


def everything(caller: Caller, operation: str, member: str, **params: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = call(caller, operation, **params, **token)
        found += answer[member]
        if "NextPageToken" not in answer:
            return found
        token = {"PageToken": answer["NextPageToken"]}


def template(caller: Caller, product_id: str, artifact_id: str) -> Template:
    """The template of a version: its console groups and labels are in no answer of the API."""
    own = catalogue(caller.account, caller.region)
    return templates.read(own.artifact(own.product(product_id), artifact_id).template)


def stack(caller: Caller, stack_id: str) -> Stack | None:
    """The stack behind a provisioned product; None when it is not there."""
    return Engine(caller.account, caller.region).stack(stack_id.split("/")[1]) if stack_id else None


def events(caller: Caller, stack_id: str) -> list[Event]:
    """A stack's events, newest first."""
    return Engine(caller.account, caller.region).events(stack_id)[::-1]
