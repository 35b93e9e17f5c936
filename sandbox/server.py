"""The one process and port of the sandbox: our own routes first, everything else is MiniStack's."""

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from sandbox import faults, patches, snapshots, state, uploads
from sandbox.asgi import App, Receive, Scope, Send, header_map, read_body, respond, respond_json
from sandbox.mailbox import store
from sandbox.patches import http_api, operations, workers
from sandbox.patches.sns_signing import MessageSigner
from sandbox.presigned import Signer, bucket_and_key
from sandbox.settings import Settings

Hook = Callable[[], None]
CATALOGUE = "AWS242ServiceCatalogService."
GRACE = 0.2  # seconds that answers under way may still take when the sandbox ends
STATIC = Path(__file__).parent / "static"


class Gateway:
    """Chooses who answers a request; the first that fits wins, MiniStack takes the rest."""

    def __init__(
        self,
        ministack: App,
        signer: Signer,
        messages: MessageSigner,
        changed: Hook,
        started: Hook,
        ended: Hook,
    ) -> None:
        self._ministack = ministack
        self._signer = signer
        self._messages = messages
        self._changed = changed
        self._started = started
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] != "http":
            await self._ministack(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_after_start(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._started()
            await send(message)

        async def receive_until_end() -> Any:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._ended()
            return message

        await self._ministack(scope, receive_until_end, send_after_start)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, start = header_map(scope), bytearray()

        async def receive_noting() -> Any:
            message = await receive()
            start.extend(message.get("body", b"")[: 80 - len(start)])
            return message

        await self._route(scope, headers, receive_noting, send)
        if snapshots.changes(scope["method"], headers, bytes(start)):
            self._changed()

    async def _route(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        path = scope["path"]
        raw_path = scope.get("raw_path", b"").decode("latin-1") or path
        if headers.get("x-amz-target", "").startswith(CATALOGUE):
            await self._catalogue(headers, receive, send)
        elif bucket_and_key(raw_path):
            await self._upload(scope, raw_path, headers, receive, send)
        elif path.startswith(http_api.PREFIX):
            await http_api.handle(scope, receive, send)
        elif path.startswith("/_gatehouse/"):
            await self._own(scope, path, receive, send)
        elif mounted := next((m for m in ("/console", "/mailbox") if path == m or path.startswith(f"{m}/")), None):
            await _page(f"sandbox{mounted.replace('/', '.')}.app", mounted, scope, receive, send)
        else:
            await self._ministack(scope, receive, send)

    async def _catalogue(self, headers: dict[str, str], receive: Receive, send: Send) -> None:
        try:
            api = import_module("sandbox.servicecatalog.api")
        except ModuleNotFoundError:
            await respond(send, 501, {}, b"Service Catalog is not there yet")
            return
        await respond(send, *await api.handle(headers["x-amz-target"], headers, await read_body(receive)))

    async def _upload(self, scope: Scope, raw_path: str, headers: dict[str, str], receive: Receive, send: Send) -> None:
        body, query = await read_body(receive), scope["query_string"].decode("latin-1")
        answer = await uploads.handle(self._signer, scope["method"], raw_path, query, headers, body)
        await respond(send, *answer)

    async def _own(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        account = parse_qs(scope["query_string"].decode()).get("account", [""])[0]
        if path == "/_gatehouse/health":
            await respond_json(send, {"ready": True})
        elif path == "/_gatehouse/puts":
            await respond_json(send, [put for put in uploads.puts if f":{account}:" in put["key"] or not account])
        elif path == "/_gatehouse/faults" and scope["method"] == "POST":
            try:
                faults.configure(json.loads(await read_body(receive)), account)
            except (ValueError, TypeError, AttributeError) as error:
                await respond_json(send, {"error": str(error)}, 400)
            else:
                await respond_json(send, {})
        elif path == self._messages.path:
            await respond(send, 200, {"content-type": "application/x-pem-file"}, self._messages.certificate)
        elif path == "/_gatehouse/static/sandbox.css":
            await respond(send, 200, {"content-type": "text/css"}, (STATIC / "sandbox.css").read_bytes())
        else:
            await respond_json(send, {"error": "not found"}, 404)


async def _page(module: str, prefix: str, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        app = import_module(module).app
    except ModuleNotFoundError:
        await respond(send, 501, {}, b"This page is not there yet")
        return
    await app({**scope, "root_path": prefix}, receive, send)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then end at once: waiting stacks are finished at the next start."""
    _refuse_taken(settings)
    os.umask(0o077)
    settings.apply()
    state.configure(settings.state)
    store.load()
    scratch = _scratch(settings)
    logging.getLogger("sandbox").setLevel("WARNING")
    keeper = snapshots.Snapshots(settings.state / "services" if settings.state else None, also=store.save)

    def end() -> None:
        """Threads that wait for a signal would hold an orderly exit for hours: there is nothing to wait for."""
        keeper.save()
        workers.kill()
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(0)

    asyncio.run(_serve(settings, keeper, end))


def _refuse_taken(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            sys.exit(f"Port {settings.port} on {settings.host} is taken: choose another with --port.")


def _scratch(settings: Settings) -> Path:
    """One folder for everything temporary, so that a killed sandbox leaves nothing the next start does not clear."""
    if settings.state:
        scratch = settings.state / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
    else:
        scratch = Path(tempfile.mkdtemp(prefix="gatehouse-sandbox-"))
    tempfile.tempdir = os.environ["TMPDIR"] = str(scratch)
    return scratch


async def _serve(settings: Settings, keeper: snapshots.Snapshots, end: Hook) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    signer, messages = Signer(settings.origin), MessageSigner(settings.origin)
    patches.install(signer, messages, keeper.ask)
    config = Config()
    config.bind = [f"{settings.host}:{settings.port}"]
    config.loglevel = settings.log_level
    config.graceful_timeout = GRACE
    config.keep_alive_timeout = 75
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def started() -> None:
        keeper.start()
        workers.warm_all()
        operations.recover()

    async def stopping() -> None:
        await stop.wait()
        loop.call_later(GRACE, end)

    gateway = Gateway(app, signer, messages, keeper.ask, started, end)
    await serve(gateway, config, shutdown_trigger=stopping)  # type: ignore[arg-type]
