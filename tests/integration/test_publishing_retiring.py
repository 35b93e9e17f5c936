"""Nothing is retired unless the gated version can be launched, and nobody is affected who was not shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models import F

from approvals.actions import publishing as verbs
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.models import AuditEvent
from catalog import publishing
from catalog.models import Publication, Version
from catalog.models.publishing import Status
from catalog.publishing import difference, problems
from catalog.sync.trouble import Denied
from portal import clock
from tests.integration.test_publishing import confirm, plan
from tests.sandbox.servicecatalog_support import Place as Account
from tests.support import mirror
from tests.support import publishing as desk
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db
Ask = Callable[[Callable[[], dict[str, Any]], str, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Account]:
    yield from desk.account(sandbox, monkeypatch, settings)


@pytest.fixture
def admin(cast: Cast) -> Actor:
    return Actor(cast.administrator, Channel.DESK)


def described(status: str = "AVAILABLE", **detail: Any) -> Ask:
    """Service Catalog describes every version so."""

    def ask(real: Callable[[], dict[str, Any]], operation: str, _arguments: dict[str, Any]) -> dict[str, Any]:
        answer = real()
        if operation == "describe_provisioning_artifact":
            return answer | {
                "Status": status,
                "ProvisioningArtifactDetail": answer["ProvisioningArtifactDetail"] | detail,
            }
        return answer

    return ask


def update(account: Account, product: Any, version: str, **values: Any) -> None:
    account.catalogue.update_provisioning_artifact(
        ProductId=product.product_id, ProvisioningArtifactId=version, **values
    )


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (described("CREATING"), Status.UNDER_WAY, "creating"),
        (described("FAILED"), Status.FAILED, "creation_failed"),
        (described(Active=False), Status.FAILED, "switched_off"),
        (described(Guidance="DEPRECATED"), Status.FAILED, "switched_off"),
    ],
)
def test_a_version_that_cannot_be_launched_replaces_none(
    account: Account, admin: Actor, answer: Ask, status: Status, error: str
) -> None:
    product, versions = desk.filled(account)
    planned = plan(product, admin)
    with desk.asking(answer):
        stands = confirm(planned, admin)
    assert (stands.status, stands.error) == (status, error)
    assert all(desk.live(account, product)[one]["Active"] for one in versions)
    assert problems.of_publication(error)


@pytest.mark.parametrize("values", [{"Active": False}, {"Guidance": "DEPRECATED"}])
def test_a_gated_source_that_is_off_replaces_none(account: Account, admin: Actor, values: dict[str, Any]) -> None:
    product, versions = desk.filled(account)
    done = confirm(plan(product, admin, "none"), admin)
    desk.read()
    planned = plan(product, admin)
    assert planned.verdict == "already"
    update(account, product, done.artifact_id, **values)
    refused = confirm(planned, admin)
    assert (refused.status, refused.error) == (Status.REFUSED, "switched_off")
    assert all(desk.live(account, product)[one]["Active"] for one in versions)


def stopped(planned: Publication, admin: Actor) -> Publication:
    """All is done but the retiring."""
    verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    with mirror.calls(mirror.fails("update_provisioning_artifact", Denied("servicecatalog:Update"))):
        desk.work()
    planned.refresh_from_db()
    assert planned.status == Status.FAILED
    return planned


def test_going_on_retires_none_after_the_gated_version_was_switched_off(account: Account, admin: Actor) -> None:
    product, versions = desk.filled(account)
    planned = stopped(plan(product, admin), admin)
    update(account, product, planned.artifact_id, Active=False)
    verbs.resume(planned.uuid, actor=admin, now=clock.now())
    desk.work()
    planned.refresh_from_db()
    assert (planned.status, planned.error) == (Status.FAILED, "switched_off")
    assert all(desk.live(account, product)[one]["Active"] for one in versions)
    verbs.abandon(planned.uuid, actor=admin, now=clock.now())
    abandoned = AuditEvent.objects.get(code="publication_abandoned")
    assert abandoned.params["begun"] == "retire"


def test_what_was_launched_meanwhile_is_shown_before_its_version_is_retired(account: Account, admin: Actor) -> None:
    product, versions = desk.filled(account)
    planned = stopped(plan(product, admin), admin)
    account.ended(account.launch(product.product_id, versions[0], "in-between"))
    desk.read()
    verbs.resume(planned.uuid, actor=admin, now=clock.now())
    desk.work()
    planned.refresh_from_db()
    assert (planned.status, planned.error, planned.facts["name"]) == (Status.PLANNED, "", "v2 (gated)")
    assert all(desk.live(account, product)[one]["Active"] for one in versions)
    done = confirm(planned, admin)
    assert (done.status, len(desk.live(account, product))) == (Status.DONE, 3)


def test_a_mark_that_somebody_wrote_adopts_nothing(account: Account, admin: Actor) -> None:
    product, versions = desk.filled(account)
    planned = plan(product, admin)
    update(account, product, versions[0], Description=f"sha256:{planned.facts['gated']}")
    done = confirm(planned, admin)
    assert done.status == Status.DONE
    assert done.artifact_id not in versions


def test_a_list_that_is_cut_stops_it(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)

    def cut(real: Callable[[], dict[str, Any]], operation: str, _arguments: dict[str, Any]) -> dict[str, Any]:
        return real() | ({"NextPageToken": "more"} if operation == "list_provisioning_artifacts" else {})

    with desk.asking(cut):
        planned = plan(product, admin)
    assert (planned.status, planned.error) == (Status.FAILED, "cut_list")
    assert "only some" in problems.of_publication("cut_list")


def test_a_version_without_a_reading_waits_for_it(account: Account, admin: Actor) -> None:
    product, versions = desk.filled(account)
    Version.objects.filter(artifact_id=versions[0]).update(template=None, template_tried_at=None)
    waits = plan(product, admin)
    assert (waits.status, waits.error) == (Status.PLANNING, "mirror_behind")


def test_the_newest_is_one_that_can_be_launched(account: Account) -> None:
    product, (first, second) = desk.filled(account)
    Version.objects.filter(artifact_id=second).update(guidance="DEPRECATED")
    assert str(getattr(publishing.newest(product), "artifact_id", "")) == first
    Version.objects.update(guidance="DEFAULT", created_at=F("created_at"))
    Version.objects.filter(artifact_id=first).update(created_at=None)
    assert str(getattr(publishing.newest(product), "artifact_id", "")) == second


def test_a_wrapper_that_is_written_differently_now_is_not_published(account: Account, admin: Actor) -> None:
    from tests.integration.test_publishing import macro

    product, _ = desk.filled(account, macro())
    planned = plan(product, admin)
    verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    planned.steps.filter(kind="check").update(done_at=clock.now())
    Publication.objects.update(facts=planned.facts | {"gated": "0" * 64})
    desk.work()
    planned.refresh_from_db()
    assert (planned.status, planned.error) == (Status.FAILED, "gate_changed")


def test_a_long_difference_says_that_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(difference, "MOST", 2)
    old, new = (f"Resources:\n  {name}: {{Type: AWS::SQS::Queue}}\n" for name in ("A", "B"))
    found = publishing.kept_lines(old, new)
    assert (len(found), found[-1]) == (3, ("cut", "…"))
    assert publishing.kept_lines(old, new) is found
