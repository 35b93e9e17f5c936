"""What PostgreSQL did to answer a query, as EXPLAIN (FORMAT JSON) tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection


def nodes(explained: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every node of the plans, a parent before its children."""
    waiting = [plan["Plan"] for plan in explained]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        yield node


def rows_read(sql: str) -> int:
    """How many rows PostgreSQL looked at to answer `sql`, those that a filter threw away too."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")
        (explained,) = cursor.fetchone()
    read = (node for node in nodes(explained) if "Relation Name" in node)
    return sum(int((one["Actual Rows"] + one.get("Rows Removed by Filter", 0)) * one["Actual Loops"]) for one in read)
