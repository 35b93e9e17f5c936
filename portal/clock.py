"""The one clock. Logic asks `now()` here (or is handed `now`), never the database, so tests can set it."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(tz=UTC)
