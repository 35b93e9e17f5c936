"""Whose things a list shows: AccessLevelFilter, with the default the operation documents."""

from collections.abc import Iterable
from typing import TypeVar

from sandbox.servicecatalog.entities import Provisioned, Record
from sandbox.servicecatalog.errors import InvalidParametersError
from sandbox.servicecatalog.operations import Call

Owned = TypeVar("Owned", Provisioned, Record)


def visible(call: Call, things: Iterable[Owned], default: str) -> list[Owned]:
    """Account: all; Role: those of the caller's role; User: those of the caller's session."""
    chosen = call.params.get("AccessLevelFilter", {"Key": default, "Value": "self"})
    if chosen.get("Value", "self") != "self":
        raise InvalidParametersError("AccessLevelFilter takes the value self only.")
    level = chosen.get("Key", default)
    if level == "Role":
        return [thing for thing in things if thing.user_arn == call.caller.role_arn]
    if level == "User":
        return [thing for thing in things if thing.user_arn_session == call.caller.arn]
    return list(things)
