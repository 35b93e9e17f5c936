"""Idempotency: the same token with the same operation is the same request, whatever else it says."""

from collections.abc import Callable

from sandbox.servicecatalog.operations import Call


def once(call: Call, member: str, make: Callable[[], str]) -> str:
    """The id of what this token made: now by `make`, or the first time it was sent."""
    key = f"{call.operation}:{call.text(member)}"
    if key not in call.catalogue.tokens:
        call.catalogue.tokens[key] = make()
    return call.catalogue.tokens[key]
