"""Every page: its queries, what it weighs on a first visit, and how long the first byte takes, at two sizes.

    python -m benchmarks.pages [--sizes 1000 1000000] [--rounds 15]

A real web process (gunicorn, one worker) and a real PostgreSQL; pages are asked for in turn, the sizes one after the
other in one run, so that the ratio of their medians stands for itself. Weight is what travels: gzip where the server
gives it, and the style sheets and scripts that a first visit needs beside the page.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from tests.support import run


def main() -> None:
    given = argparse.ArgumentParser(description="Measures the pages of the desk at two sizes of its database.")
    given.add_argument("--sizes", type=int, nargs="+", default=[1_000, 1_000_000])
    given.add_argument("--rounds", type=int, default=15)
    chosen = given.parse_args()
    folder = run.begin()
    try:
        import django

        django.setup()
        results = [_measured(size, chosen.rounds) for size in chosen.sizes]
        _print(chosen.sizes, results)
    finally:
        run.end(folder)


def _measured(size: int, rounds: int) -> dict[str, tuple[int, int, float]]:
    """Page → queries, bytes of a first visit, median milliseconds to the first byte."""
    from django.db import connection

    from benchmarks.population import populate
    from portal.clock import now
    from tests.e2e.showing import session
    from tests.e2e.tour import STOPS
    from tests.support import databases, showroom, webdesk

    with databases.cloned(databases.Unblocked()) as name:
        room = showroom.fill(now())
        began = time.monotonic()
        people = [room.cast.other_requester.pk, room.cast.administrator.pk, room.cast.outsider.pk]
        populate(room.waiting, size, team=room.cast.team.pk, requesters=people, now=now())
        with connection.cursor() as cursor, _as_owner(name) as owner:
            owner.execute("VACUUM ANALYZE")
            cursor.execute("SELECT count(*) FROM approvals_launchrequest")
            print(f"{cursor.fetchone()[0]:,} requests, made in {time.monotonic() - began:.0f} s", flush=True)
        # The one is no page, the other leads on to itself without its key first.
        pages = [stop for stop in STOPS if stop.name not in ("no such page", "account_reset_password_from_key")]
        with webdesk.serving(name, GATEHOUSE_LOG_LEVEL="ERROR") as url:
            asked = {stop.name: (stop.path(room), session(stop.reader(room))) for stop in pages}
            return {page: _page(url, *what, rounds) for page, what in asked.items()}


@contextmanager
def _as_owner(name: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(run.postgres().owner_url(name), autocommit=True) as connection:
        yield connection


def _page(url: str, path: str, cookie: str, rounds: int) -> tuple[int, int, float]:
    body, _ = _get(url, path, cookie)
    took = [_get(url, path, cookie)[1] for _ in range(rounds)]
    return _queries(path, cookie), len(body) + _beside(url, gzip.decompress(body)), statistics.median(took)


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

    client = Client()
    if cookie:
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie.partition("=")[2]
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return len(captured)


def _print(sizes: list[int], results: list[dict[str, tuple[int, int, float]]]) -> None:
    print(f"{'page':34} {'queries':>8} {'KB':>7}" + "".join(f" {size:>11,}" for size in sizes) + "   ratio")
    for page in results[0]:
        queries, weight, first = results[0][page]
        last = results[-1][page]
        same = str(queries) if last[0] == queries else f"{queries}/{last[0]}"
        times = "".join(f" {result[page][2]:8.1f} ms" for result in results)
        print(f"{page:34} {same:>8} {weight / 1000:7.1f}{times} {last[2] / first:7.2f}")


if __name__ == "__main__":
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    main()
