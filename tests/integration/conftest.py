"""What the tests of the catalogue have in common, and those of signing in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from tests.sandbox.servicecatalog_support import Place as Account


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with a catalogue; the desk runs in it."""
    # Django is not ready yet where pytest is given this folder, or files of it.
    from tests.support import mirror

    account = Account(sandbox)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.account)
    mirror.forget_clients()
    yield account
    mirror.forget_clients()


@pytest.fixture
def fresh_limits(db: None, settings: Any) -> Iterator[None]:
    """Nobody has tried to sign in yet, and a password is quickly checked."""
    from django.core.cache import cache

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(scope="session")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An OpenID Connect provider; `say()` has it honest again."""
    from tests.support.idp.server import serving
    from tests.support.idp.visiting import CALLBACK, PEOPLE

    with serving(tmp_path_factory.mktemp("idp"), f"http://testserver{CALLBACK}", PEOPLE) as provider:
        yield provider


@pytest.fixture
def visitor(cast: Any) -> Any:
    """Rita's browser, before she signs in with her password."""
    from django.test import Client

    from tests.support.signing_in import PASSWORD

    cast.requester.set_password(PASSWORD)
    cast.requester.save()
    return Client()


@pytest.fixture
def at(cast: Any) -> Iterator[Any]:
    with time_machine.travel(datetime(2026, 11, 22, 8, tzinfo=UTC), tick=False) as clock:
        yield clock
