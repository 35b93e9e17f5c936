"""What the tests of the catalogue have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
