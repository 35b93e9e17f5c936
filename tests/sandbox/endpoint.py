"""An HTTP endpoint that remembers what was posted to it and answers as told."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.sandbox.gate import until


@dataclass
class Endpoint:
    """`answers`: the statuses of the next posts; 200 when there are none left."""

    answers: deque[int] = field(default_factory=deque)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(endpoint.answers.popleft() if endpoint.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/intake"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def post(self, number: int = 0) -> tuple[dict[str, str], dict[str, Any]]:
        """(headers, document) of a post, once it has come."""
        until(lambda: len(self.posts) > number)
        headers, body = self.posts[number]
        return headers, json.loads(body)
