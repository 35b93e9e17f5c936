"""Pages: a token is opaque to the caller and good for the operation's own list only."""

import base64
from typing import Any

from sandbox.servicecatalog.errors import InvalidParametersError
from sandbox.servicecatalog.operations import Call


def page(call: Call, member: str, items: list[Any], size: int = 20) -> dict[str, Any]:
    """One page of `items` under `member`, with NextPageToken while there is more."""
    start = _start(call.text("PageToken"), member)
    stop = start + (call.params.get("PageSize") or size)
    answer: dict[str, Any] = {member: items[start:stop]}
    if stop < len(items):
        answer["NextPageToken"] = base64.urlsafe_b64encode(f"{member}:{stop}".encode()).decode()
    return answer


def _start(token: str, member: str) -> int:
    if not token:
        return 0
    try:
        kind, _, offset = base64.urlsafe_b64decode(token).decode().partition(":")
        if kind == member:
            return int(offset)
    except ValueError:
        pass
    raise InvalidParametersError("Invalid page token.")
