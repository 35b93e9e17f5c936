"""A publishing role and a bucket in an account of the sandbox, and a worker that may die."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from approvals.publishing import told
from catalog import publishing, sync
from catalog.models import Product, Publication
from catalog.sync.reading import Reader
from portal import clock
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template
from tests.support import mirror

ROLE = "gatehouse-publisher-us-east-1"


def bucket_of(account: Account) -> str:
    return f"gatehouse-gated-{account.account}-us-east-1"


def actions() -> list[str]:
    """What the hub's template gives the role."""
    from tests.lambdas.resolving import Stack

    stack = Stack("template", {"AllowPublishing": "yes", "WorkerRoleArn": "arn:aws:iam::111122223333:role/worker"})
    return sorted({action for one in stack.policy("PublisherRole") for action in _listed(one["Action"])})


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def prepare(account: Account, settings: Any, *allowed: str, versioned: bool = True) -> None:
    """`allowed`: actions of the role; those of the hub's template unless some are named."""
    iam, s3 = account.client("iam"), account.client("s3")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.account}:root"},
        "Action": "sts:AssumeRole",
    }
    made = iam.create_role(
        RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    may = {"Effect": "Allow", "Action": list(allowed) or actions(), "Resource": "*"}
    iam.put_role_policy(
        RoleName=ROLE, PolicyName="publish", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]})
    )
    s3.create_bucket(Bucket=bucket_of(account))
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket_of(account), VersioningConfiguration={"Status": "Enabled"})
    settings.GATEHOUSE_PUBLISHER_ROLE = made["Role"]["Arn"]
    settings.GATEHOUSE_TEMPLATE_BUCKET = bucket_of(account)
    mirror.forget_clients()


def account(sandbox: str, monkeypatch: Any, settings: Any) -> Iterator[Account]:
    """For a fixture: an account of its own in which the desk runs and may publish."""
    made = Account(sandbox)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.account)
    prepare(made, settings)
    yield made
    mirror.forget_clients()


def filled(account: Account, document: dict[str, Any] | None = None) -> tuple[Product, list[str]]:
    """A product with two versions without a gate, as the desk has read it."""
    product, first = account.product("Queue", template("first"))
    second = account.version(product, document or template("second"))
    read()
    return Product.objects.get(product_id=product), [first, second]


def live(account: Account, product: Product) -> dict[str, dict[str, Any]]:
    """Its versions as Service Catalog lists them, by id."""
    found = account.catalogue.list_provisioning_artifacts(ProductId=product.product_id)["ProvisioningArtifactDetails"]
    return {one["Id"]: one for one in found}


def read() -> None:
    """The desk reads the account."""
    run = sync.run(mirror.watched())
    assert run is not None
    assert run.result == "done", run.error


def work() -> None:
    """What waits is carried out, as far as it goes."""
    while (publication := publishing.claim(clock.now())) is not None:
        publishing.advance(publication, told)


def long_ago() -> None:
    """Whoever died is taken over, whatever rests goes on."""
    Publication.objects.update(claimed_at=None, next_at=clock.now())


@contextmanager
def asking(ask: Callable[..., dict[str, Any]]) -> Iterator[None]:
    """`ask` in place of Reader's own, which it gets first."""
    real: Any = Reader.ask

    def instead(reader: Reader, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        return ask(partial(real, reader, service, operation, **arguments), operation, arguments)

    Reader.ask = instead  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Reader.ask = real  # type: ignore[method-assign]


def dying_after(wanted: str) -> AbstractContextManager[None]:
    """The worker dies when AWS has just carried out this operation: it is done, and nobody knows."""

    def ask(real: Callable[[], dict[str, Any]], operation: str, _arguments: dict[str, Any]) -> dict[str, Any]:
        answer = real()
        if operation == wanted:
            raise mirror.Killed
        return answer

    return asking(ask)


def dying_at_everything(deaths: list[str]) -> AbstractContextManager[None]:
    """The worker dies once before and once after each call that it makes; `deaths` says where it did."""

    def ask(real: Callable[[], dict[str, Any]], operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        call = f"{operation} {hashlib.sha256(repr(sorted(arguments.items())).encode()).hexdigest()[:12]}"
        _once(deaths, f"before {call}")
        answer = real()
        _once(deaths, f"after {call}")
        return answer

    return asking(ask)


def _once(deaths: list[str], where: str) -> None:
    if where not in deaths:
        deaths.append(where)
        raise mirror.Killed
