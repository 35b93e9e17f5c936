"""The doctor looks whether publishing could begin: the role is taken, the bucket is there and keeps versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from approvals.doctor import running
from approvals.doctor.findings import Severity
from portal.clock import now
from tests.sandbox.servicecatalog_support import Place as Account
from tests.support import mirror
from tests.support import publishing as desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Account]:
    yield from desk.account(sandbox, monkeypatch, settings)


def found(*, by_worker: bool = True) -> tuple[Severity, str, str]:
    mirror.forget_clients()
    (one,) = running.run(now(), only=["publishing"], by_worker=by_worker).findings
    return one.severity, one.seen, one.advice


def test_it_is_in_order(account: Account) -> None:
    assert found()[:2] == (Severity.OK, "")


def test_where_it_is_off_nothing_is_looked_at(account: Account, settings: Any) -> None:
    settings.GATEHOUSE_PUBLISHER_ROLE = settings.GATEHOUSE_TEMPLATE_BUCKET = ""
    assert found()[0] is Severity.OK


def test_half_of_the_settings_is_said(account: Account, settings: Any) -> None:
    settings.GATEHOUSE_TEMPLATE_BUCKET = ""
    severity, seen, _ = found()
    assert severity is Severity.WARNING
    assert "Only one of" in seen


def test_a_role_that_cannot_be_taken_matters_to_the_worker(account: Account, settings: Any) -> None:
    settings.GATEHOUSE_PUBLISHER_ROLE = f"arn:aws:iam::{account.account}:role/nobody"
    severity, seen, advice = found()
    assert severity is Severity.WARNING
    assert "may not take the publishing role" in seen
    assert "WorkerRoleArn" in advice
    assert found(by_worker=False)[0] is Severity.INFO


def test_a_bucket_that_is_not_there_is_said(account: Account, settings: Any) -> None:
    settings.GATEHOUSE_TEMPLATE_BUCKET = f"gone-{account.account}"
    severity, seen, advice = found()
    assert (severity, seen) == (Severity.WARNING, "There is no bucket of templates.")
    assert "TemplateBucket" in advice


def test_a_bucket_without_versions_or_rights_is_said(account: Account, settings: Any) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket=f"plain-{account.account}")
    settings.GATEHOUSE_TEMPLATE_BUCKET = f"plain-{account.account}"
    assert found()[1] == "The bucket of templates keeps no versions."
    account.client("iam").delete_role_policy(RoleName=desk.ROLE, PolicyName="publish")
    severity, seen, _ = found()
    assert severity is Severity.WARNING
    assert "may not look at the bucket of templates: AccessDenied" in seen
