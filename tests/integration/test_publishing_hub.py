"""With the role and bucket that the hub's template makes: published, launched, and held until somebody approves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from approvals.actions import publishing as verbs
from approvals.actor import Actor
from approvals.choices import Channel
from catalog import publishing
from catalog.models import Product, Publication
from catalog.models.publishing import Status
from lambdas.deploy import deploy
from portal import clock
from tests.integration.test_publishing import macro
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template, until
from tests.support import allow, mirror
from tests.support import publishing as desk
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Account]:
    """The hub with publishing allowed; the desk runs as its worker."""
    account = Account(sandbox)
    iam = account.client("iam")
    allow.role(iam, "desk-worker", "*", principal={"AWS": f"arn:aws:iam::{account.account}:root"})
    allow.role(iam, "somebody", "*", principal={"AWS": f"arn:aws:iam::{account.account}:root"})
    role = f"arn:aws:iam::{account.account}:role/desk-worker"
    wanted = {"DevelopmentOrigin": sandbox, "AllowPublishing": "yes", "WorkerRoleArn": role}
    outputs = deploy(account.client, "hub", wanted, pause=0.2)
    settings.GATEHOUSE_PUBLISHER_ROLE = outputs["PublisherRoleArn"]
    settings.GATEHOUSE_TEMPLATE_BUCKET = outputs["TemplateBucket"]
    _become(account, role, monkeypatch)
    yield account
    mirror.forget_clients()


def _become(account: Account, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = account.client("sts").assume_role(RoleArn=role, RoleSessionName="desk")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])
    mirror.forget_clients()


def _published(account: Account, cast: Cast, document: dict[str, Any] | None = None) -> tuple[Publication, list[str]]:
    product, versions = desk.filled(account, document)
    return _carried_out(product, cast), versions


def _carried_out(product: Product, cast: Cast) -> Publication:
    admin, now = Actor(cast.administrator, Channel.DESK), clock.now()
    made = verbs.plan(product, publishing.newest(product), options={}, retire="inactive", actor=admin, now=now)
    desk.work()
    made.refresh_from_db()
    assert made.status == Status.PLANNED, made.error
    verbs.confirm(made.uuid, shown=made.shown, is_fresh=True, actor=admin, now=clock.now())
    desk.work()
    made.refresh_from_db()
    return made


def test_a_published_version_waits_at_its_gate_and_the_old_ones_are_closed(account: Account, cast: Cast) -> None:
    made, versions = _published(account, cast)
    assert (made.status, made.error) == (Status.DONE, "")
    product = made.product.product_id
    for version in versions:
        with pytest.raises(ClientError):
            account.launch(product, version, f"old-{version}")
    record = account.launch(product, made.artifact_id, "asks", Tags=[])
    stack = f"SC-{account.account}-{record['ProvisionedProductId']}"

    def resources() -> dict[str, str]:
        found = account.cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        return {one["LogicalResourceId"]: one["ResourceStatus"] for one in found}

    until(lambda: any(name.startswith("ApprovalWait") for name in resources()), 20)
    assert account.stack(record)["StackStatus"] == "CREATE_IN_PROGRESS"
    assert "Queue" not in {name for name, status in resources().items() if status != "DELETE_COMPLETE"}


def test_only_the_worker_takes_the_publishing_role(
    account: Account, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.account)
    _become(account, f"arn:aws:iam::{account.account}:role/somebody", monkeypatch)
    product, _ = desk.filled(account)
    admin = Actor(cast.administrator, Channel.DESK)
    made = verbs.plan(product, publishing.newest(product), options={}, retire="none", actor=admin, now=clock.now())
    desk.work()
    made.refresh_from_db()
    assert (made.status, made.error) == (Status.FAILED, "role_refused")


def test_switched_off_what_was_published_stays_readable_and_it_can_be_switched_on_again(
    account: Account, cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _versions = _published(account, cast, macro())
    old = settings.GATEHOUSE_TEMPLATE_BUCKET
    assert made.gated is not None
    s3 = account.client("s3")
    policy = s3.get_bucket_policy(Bucket=old)["Policy"]
    assert "TemplateBucket" not in deploy(account.client, "hub", {"AllowPublishing": "no"}, pause=0.2)
    assert s3.get_bucket_policy(Bucket=old)["Policy"] == policy
    assert s3.get_bucket_versioning(Bucket=old)["Status"] == "Enabled"
    for digest in (made.gated.sha256, made.facts["source"]["sha256"]):
        assert s3.get_object(Bucket=old, Key=f"gatehouse/{digest}.yaml")["Body"].read()
    outputs = deploy(account.client, "hub", {"AllowPublishing": "yes"}, pause=0.2)
    settings.GATEHOUSE_TEMPLATE_BUCKET = outputs["TemplateBucket"]
    assert outputs["TemplateBucket"] != old
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.account)
    _become(account, f"arn:aws:iam::{account.account}:role/desk-worker", monkeypatch)
    product_id, _ = account.product("Second", template("another"))
    desk.read()
    again = _carried_out(Product.objects.get(product_id=product_id), cast)
    assert (again.status, again.error) == (Status.DONE, "")
