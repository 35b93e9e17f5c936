"""Publishing on the showroom's desk: a plan to confirm, one under way, one that stands, one done, and a portfolio.

Planned and confirmed by the desk itself. There is no AWS: what it would answer to a plan comes from the shelf, and
what steps would have done there is written as if they had.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.test import override_settings

from approvals.actions import publishing as verbs
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.publishing import told
from catalog import publishing
from catalog.models import Portfolio, Product, Publication, Step
from catalog.models.publishing import Kind, Retirement, Status
from catalog.publishing import Happening
from portal.accounts.models import User
from portal.clock import now
from tests.support import shelf
from tests.support.launches import principal
from tests.support.publishing import asking

ROLE = f"arn:aws:iam::{shelf.ACCOUNT}:role/gatehouse-publisher-us-east-1"
BUCKET = f"gatehouse-gated-{shelf.ACCOUNT}-us-east-1"
_FILES = "Resources:\n  Files: {Type: AWS::S3::Bucket}\n"
_HOOKED = "Hooks: {Swap: {Type: AWS::CodeDeploy::BlueGreen}}\n" + _FILES


def fill(administrator: User) -> None:
    """After showroom.fill, whose products these are; the portfolio's own come along."""
    actor = Actor(administrator, Channel.DESK)
    storage = _storage()
    with override_settings(GATEHOUSE_PUBLISHER_ROLE=ROLE, GATEHOUSE_TEMPLATE_BUCKET=BUCKET), asking(_answer):
        _went(_confirmed("prod-jobs", actor), until=Kind.VERSION)
        _ended(_went(_confirmed("prod-website", actor)), Happening.DONE, status=Status.DONE, finished_at=now())
        failed = _went(_confirmed("prod-postgres", actor), until=Kind.TEMPLATE)
        _ended(failed, Happening.FAILED, status=Status.FAILED, error="denied:s3:PutObject")
        _planned("prod-website", actor)
        verbs.plan_portfolio(storage, options={}, retire=Retirement.INACTIVE, actor=actor, now=now())
        publishing.work(told, 30)


def _storage() -> Portfolio:
    for name, text in (("Team bucket", _FILES), ("Archive", _FILES.replace("Files", "Past")), ("Swap", _HOOKED)):
        made = shelf.product(name)
        shelf.version(made, text)
        shelf.offer(made, "Storage", f"arn:aws:iam::{shelf.ACCOUNT}:role/storage-launch")
    gated = shelf.product("Queue")
    shelf.version(gated, shelf.gated())
    portfolio = shelf.offer(gated, "Storage")
    shelf.covered()
    return portfolio


def _planned(product_id: str, actor: Actor) -> Publication:
    product = Product.objects.get(product_id=product_id)
    source = product.versions.get(name="v1")
    made = verbs.plan(product, source, options={}, retire=Retirement.INACTIVE, actor=actor, now=now())
    publishing.work(told, 30)
    made.refresh_from_db()
    assert made.status == Status.PLANNED, made.error
    return made


def _confirmed(product_id: str, actor: Actor) -> Publication:
    planned = _planned(product_id, actor)
    return verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=actor, now=now())


def _went(publication: Publication, until: Kind | None = None) -> Publication:
    """As a worker has it that is at this step, or did all."""
    _settle(publication, claimed_at=now())
    for step in publication.steps.order_by("pk"):
        Step.objects.filter(pk=step.pk).update(began_at=now())
        if step.kind == until:
            break
        _done(publication, step)
    return publication


@transaction.atomic
def _done(publication: Publication, step: Step) -> None:
    if step.kind == Kind.VERSION:
        _settle(publication, artifact_id=f"pa-{publication.uuid.hex[:13]}")
    Step.objects.filter(pk=step.pk).update(done_at=now())
    if step.kind != Kind.CHECK:
        told(publication, Happening.STEP, step)


@transaction.atomic
def _ended(publication: Publication, happening: Happening, **values: Any) -> None:
    _settle(publication, **values)
    told(publication, happening, None)


def _settle(publication: Publication, **values: Any) -> None:
    Publication.objects.filter(pk=publication.pk).update(**values)
    publication.refresh_from_db()


def _answer(_real: Callable[[], Any], operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What AWS would say of a product that two people launched."""
    found = Product.objects.filter(product_id=arguments.get("ProductId", "")).first()
    answers: dict[str, Callable[[], dict[str, Any]]] = {
        "list_provisioning_artifacts": lambda: {"ProvisioningArtifactDetails": _versions(found)},
        "search_provisioned_products": lambda: {"ProvisionedProducts": _runs(arguments)},
        "list_portfolios_for_product": lambda: {"PortfolioDetails": _portfolios(found)},
        "list_principals_for_portfolio": lambda: {"Principals": [{"PrincipalARN": _role("Developer")}]},
        "list_portfolio_access": lambda: {"AccountIds": ["444455556666"]},
    }
    return answers[operation]()


def _versions(product: Product | None) -> list[dict[str, Any]]:
    assert product is not None
    return [
        {"Id": one.artifact_id, "Name": one.name, "Active": True, "Guidance": one.guidance}
        for one in product.versions.order_by("pk")
    ]


def _runs(arguments: dict[str, Any]) -> list[dict[str, str]]:
    product_id = arguments["Filters"]["SearchQuery"][0].partition(":")[2]
    version = Product.objects.get(product_id=product_id).versions.earliest("pk")
    return [
        {
            "Id": f"pp-{name}",
            "Name": name,
            "ProvisioningArtifactId": version.artifact_id,
            "UserArnSession": principal(f"{who}@example.com"),
        }
        for name, who in (("press-room", "rita"), ("night-jobs", "ravi"))
    ]


def _portfolios(product: Product | None) -> list[dict[str, str]]:
    assert product is not None
    offered = product.offers.select_related("portfolio").order_by("pk")
    return [{"Id": one.portfolio.portfolio_id, "DisplayName": one.portfolio.name} for one in offered]


def _role(name: str) -> str:
    return f"arn:aws:iam::{shelf.ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_{name}_0123456789abcdef"
