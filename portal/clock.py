"""The one clock. Logic asks `now()` here (or is handed `now`), never the database, so tests can set it."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(tz=UTC)


def rfc3339(moment: datetime) -> str:
    """In UTC with milliseconds and Z, as the functions write it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
