"""What the tests of the catalogue have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.servicecatalog_support import Place as Account
from tests.support import mirror


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with a catalogue; the desk runs in it."""
    account = Account(sandbox)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.account)
    mirror.forget_clients()
    yield account
    mirror.forget_clients()
