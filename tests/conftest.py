"""Fixtures every test may use: the database, the sandbox, the cast."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases, run

_controller = "PYTEST_XDIST_WORKER" not in os.environ
_run: Path | None = None
if _controller:
    _run = run.begin(run.memory())
else:
    os.environ["AWS_ACCESS_KEY_ID"] = run.account()


def pytest_configure() -> None:
    from django.conf import settings

    assert settings.DATABASES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Short ones last, so that no process still has a long file when the others are done."""
    items.sort(key=lambda item: bool({"unit", "corpus"} & set(item.path.parts)))


def pytest_collection_finish() -> None:
    """What is loaded by now stays. Looking for garbage in it took every eighth second of a run. And a module that is
    loaded while a test has set the clock takes that clock for its own, for ever."""
    for package in ("portal", "approvals", "catalog"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def pytest_unconfigure() -> None:
    if _run is not None:
        run.end(_run)


@pytest.fixture(autouse=True)
def _nobody_s_language() -> Iterator[None]:
    """The middleware leaves the last reader's language and zone active in this thread."""
    yield
    from django.utils import timezone, translation

    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(scope="session", autouse=True)
def _one_reader_of_aws_models() -> Iterator[None]:
    """A new session reads botocore's descriptions of the services anew: megabytes of JSON, a third of some tests."""
    import botocore.session
    from botocore.loaders import create_loader

    loader = create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda *_paths: loader)
        yield


@pytest.fixture(autouse=True)
def _own_aws_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3's module-wide session would keep the credentials it found first."""
    import boto3

    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """One clone of the migrated template per worker, used as the application role. Triggers stay on."""
    name = f"test_{secrets.token_hex(4)}"
    run.clone(name)
    with django_db_blocker.unblock():
        databases.use(name)
    yield
    with django_db_blocker.unblock():
        from django.db import connections

        connections.close_all()
    run.drop(name)


@pytest.fixture
def cloned_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A database of its own for a test that commits; cloned, then dropped. Yields its name."""
    with databases.cloned(django_db_blocker) as name:
        yield name


@pytest.fixture(scope="session")
def sandbox() -> str:
    """The endpoint URL of the run's sandbox; this worker's account is in AWS_ACCESS_KEY_ID."""
    return run.sandbox_url()


@pytest.fixture
def cast(request: pytest.FixtureRequest) -> Any:
    """The people of every story, by their part: see tests.support.cast."""
    from tests.support.cast import Cast

    if "cloned_db" not in request.fixturenames:
        request.getfixturevalue("db")
    return Cast.make()


@pytest.fixture
def client_for() -> Callable[[Any], Any]:
    """A signed-in test client for one person."""
    from django.test import Client

    def sign_in(person: Any) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return sign_in
