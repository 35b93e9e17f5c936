"""The few ASGI helpers the gateway needs."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def read_body(receive: Receive) -> bytes:
    """The whole request body."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def respond(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    """One complete answer."""
    await send_answer(send, status, list(headers.items()), body)


async def send_answer(send: Send, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    """One complete answer that may have several headers of one name."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, document: Any, status: int = 200) -> None:
    """A JSON document."""
    await respond(send, status, {"content-type": "application/json"}, json.dumps(document).encode())


def header_map(scope: Scope) -> dict[str, str]:
    """The request's headers, names in lower case."""
    return {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope.get("headers", [])}
