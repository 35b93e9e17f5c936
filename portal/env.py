"""Typed readers of the environment.

A value that is missing or malformed raises `ImproperlyConfigured` with the variable's name and what to
write there; the value itself is never put in the message, because it may be a secret.
"""

import os
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_DATABASE_OPTIONS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"})


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "").strip() or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. `make demo` generates it; for a server see .env.example.")
    return value


def flag(name: str, *, default: bool = False) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in ("", None):
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0.")


def number(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip()
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None


def items(name: str) -> list[str]:
    """A comma-separated list; empty when the variable is not set."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def choice(name: str, choices: tuple[str, ...]) -> str:
    """One of a few words; the first where the variable is not set."""
    value = os.environ.get(name, "").strip().lower() or choices[0]
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}.")
    return value


def origin(name: str) -> str:
    """One exact origin, `scheme://host[:port]`, or the empty string."""
    value = os.environ.get(name, "").strip().rstrip("/")
    if not value:
        return ""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.username:
        raise ImproperlyConfigured(f"{name} must be one exact origin such as http://localhost:4566.")
    return value


def database(name: str, default_name: str | None = None) -> dict[str, Any]:
    """A Django DATABASES entry from `postgres://user:password@host:port/name?sslmode=…`."""
    raw = os.environ.get(name, "").strip() or (os.environ.get(default_name, "").strip() if default_name else "")
    if not raw:
        raise ImproperlyConfigured(f"{name} is not set. Write postgres://user:password@host:port/name.")
    try:
        parts: SplitResult = urlsplit(raw)
        port = parts.port or 5432
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not a database URL.") from None
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like postgres://user:password@host:port/name.")
    options = dict(parse_qsl(parts.query))
    if unknown := sorted(set(options) - _DATABASE_OPTIONS):
        raise ImproperlyConfigured(f"{name}: {', '.join(unknown)} cannot be set there; sslmode and sslrootcert can.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": options,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": port,
    }
