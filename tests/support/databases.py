"""Databases of a test run: clones of the migrated template, and which of them this process talks to."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support import run


def use(name: str) -> None:
    from django.conf import settings
    from django.db import connections

    connections["default"].close()
    for target in (connections["default"].settings_dict, settings.DATABASES["default"]):
        target["NAME"] = name


class Unblocked:
    """For commands: what `cloned` wants of pytest-django, where nothing blocks."""

    @contextmanager
    def unblock(self) -> Iterator[None]:
        yield


@contextmanager
def cloned(blocker: Any) -> Iterator[str]:
    """A database of its own for what commits; cloned, then dropped. Yields its name."""
    from django.db import connections

    before = connections["default"].settings_dict["NAME"]
    name = f"clone_{secrets.token_hex(4)}"
    run.clone(name)
    with blocker.unblock():
        use(name)
        yield name
        connections.close_all()
        use(before)
    run.drop(name)
