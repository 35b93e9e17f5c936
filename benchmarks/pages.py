"""Every page: its queries, what it weighs on a first visit, and how long the first byte takes, at two sizes.

    python -m benchmarks.pages [--sizes 1000 1000000] [--rounds 15]

For each size a real web process (gunicorn, one worker) in front of a database of its own; every page is asked for in
turn, one size after the other, so that the ratio of the medians stands for itself. Weight is what travels on a first
visit to the small database: gzip where the server gives it, with the style sheets and scripts beside the page.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from tests.support import run


@dataclass(frozen=True)
class Desk:
    """One size, filled and being served. `pages`: name → path and cookie; `queries`: name → how many it takes."""

    url: str
    pages: dict[str, tuple[str, str]]
    queries: dict[str, int]


def main() -> None:
    given = argparse.ArgumentParser(description="Measures the pages of the desk at two sizes of its database.")
    given.add_argument("--sizes", type=int, nargs="+", default=[1_000, 1_000_000])
    given.add_argument("--rounds", type=int, default=15)
    chosen = given.parse_args()
    os.environ["GATEHOUSE_LOG_LEVEL"] = "ERROR"
    folder = run.begin()
    try:
        import django

        django.setup()
        with ExitStack() as open_desks:
            desks = [open_desks.enter_context(_desk(size)) for size in chosen.sizes]
            print(
                f"{'page':38} {'queries':>8} {'KB':>7}" + "".join(f" {size:>11,}" for size in chosen.sizes) + "   ratio"
            )
            for name in desks[0].pages:
                _print(name, desks, chosen.rounds)
    finally:
        run.end(folder)


@contextmanager
def _desk(size: int) -> Iterator[Desk]:
    from approvals.models import LaunchRequest
    from benchmarks.population import populate
    from portal.clock import now
    from tests.e2e.showing import session
    from tests.e2e.tour import STOPS
    from tests.support import databases, showroom, webdesk

    with databases.cloned(databases.Unblocked()) as name:
        room = showroom.fill(now())
        began = time.monotonic()
        people = [room.cast.other_requester.pk, room.cast.administrator.pk, room.cast.outsider.pk]
        with _as_owner(name) as owner:
            populate(owner, room.waiting, size, team=room.cast.team.pk, requesters=people, now=now())
            owner.execute("VACUUM ANALYZE")
        made = LaunchRequest.objects.count()
        print(f"{made:,} requests, made in {time.monotonic() - began:.0f} s", flush=True)
        with webdesk.serving(name, GATEHOUSE_LOG_LEVEL="ERROR") as url:
            pages = {}
            for stop in STOPS:
                # The one is no page; the other hides its key in the session, so that only its first visitor sees it.
                if stop.name not in ("no such page", "account_reset_password_from_key"):
                    cookie = session(stop.reader(room))
                    pages[stop.name] = (_led_to(url, stop.path(room), cookie), cookie)
            yield Desk(url, pages, {page: _queries(*asked) for page, asked in pages.items()})


@contextmanager
def _as_owner(name: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(run.postgres().owner_url(name), autocommit=True) as connection:
        yield connection


def _led_to(url: str, path: str, cookie: str) -> str:
    """Where a browser ends up."""
    for _ in range(3):
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            if answer.status != 302:
                return path
            path = answer.headers["Location"]
    raise SystemExit(f"{path} leads on and on")


def _get(url: str, path: str, cookie: str) -> tuple[bytes, float]:
    """The compressed body, and milliseconds until its first byte."""
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
        connection.connect()
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"} | ({"Cookie": cookie} if cookie else {}))
        answer: HTTPResponse = connection.getresponse()
        body = answer.read(1)
        took = (time.perf_counter() - began) * 1000
        body += answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path} answered {answer.status}")
    return (body if answer.headers.get("Content-Encoding") == "gzip" else gzip.compress(body)), took


def _beside(url: str, html: bytes) -> int:
    """What the page makes a browser fetch from the desk besides itself."""
    found = set(re.findall(rb'<(?:link|script)[^>]+(?:href|src)="(/static/[^"]+)"', html))
    return sum(len(_get(url, path.decode(), "")[0]) for path in found)


def _queries(path: str, cookie: str) -> int:
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="localhost")
    if cookie:
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie.partition("=")[2]
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")
    return len(captured)


def _print(name: str, desks: list[Desk], rounds: int) -> None:
    """Ask each desk once to warm it, then in turn."""
    body, _ = _get(desks[0].url, *desks[0].pages[name])
    weight = len(body) + _beside(desks[0].url, gzip.decompress(body))
    for desk in desks[1:]:
        _get(desk.url, *desk.pages[name])
    took: list[list[float]] = [[] for _ in desks]
    for _ in range(rounds):
        for desk, times in zip(desks, took, strict=True):
            times.append(_get(desk.url, *desk.pages[name])[1])
    medians = [statistics.median(times) for times in took]
    queries = "/".join(str(count) for count in dict.fromkeys(desk.queries[name] for desk in desks))
    shown = "".join(f" {median:8.1f} ms" for median in medians)
    print(f"{name:38} {queries:>8} {weight / 1000:7.1f}{shown} {medians[-1] / medians[0]:7.2f}", flush=True)


if __name__ == "__main__":
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    main()
