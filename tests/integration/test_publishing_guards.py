"""What is retired for a version is retired for the planned one, and what was done before a plan changed stays told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from approvals.actions import publishing as verbs
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.models import AuditEvent
from catalog.models import Publication
from catalog.models.publishing import Status
from catalog.publishing import problems, report
from portal import clock
from tests.integration.test_publishing import confirm, macro, plan, told
from tests.sandbox.servicecatalog_support import Place as Account
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


def around(wanted: str, before: Callable[[], Any] | None = None, after: Callable[[], Any] | None = None) -> Ask:
    """Once, somebody does something just before or just after the worker's call."""
    left = [wanted]

    def ask(real: Callable[[], dict[str, Any]], operation: str, _arguments: dict[str, Any]) -> dict[str, Any]:
        ours = operation in left
        if ours:
            left.clear()
        if ours and before:
            before()
        answer = real()
        if ours and after:
            after()
        return answer

    return ask


def stored(account: Account, planned: Publication) -> dict[str, str]:
    return {"Bucket": desk.bucket_of(account), "Key": f"gatehouse/{planned.facts['gated']}.yaml"}


def exchange(account: Account, planned: Publication) -> None:
    account.client("s3").put_object(**stored(account, planned), Body=b"Resources:\n  Q: {Type: AWS::SQS::Queue}\n")


def test_a_version_with_another_template_than_was_planned_replaces_none(account: Account, admin: Actor) -> None:
    product, versions = desk.filled(account)
    planned = plan(product, admin)
    with desk.asking(around("create_provisioning_artifact", before=lambda: exchange(account, planned))):
        stopped = confirm(planned, admin)
    assert (stopped.status, stopped.error.partition(":")[0]) == (Status.FAILED, "not_as_planned")
    assert "is not the one that was planned" in problems.of_publication(stopped.error)
    assert all(desk.live(account, product)[one]["Active"] for one in versions)
    failed = AuditEvent.objects.get(code="publication_failed")
    assert failed.params["error"] == stopped.error
    assert "version_retired" not in told(product)
    verbs.resume(stopped.uuid, actor=admin, now=clock.now())
    desk.work()
    assert Publication.objects.get(pk=stopped.pk).status == Status.FAILED, "it is looked at again"


def test_a_version_whose_template_cannot_be_read_back_replaces_none(account: Account, admin: Actor) -> None:
    product, versions = desk.filled(account)
    planned = plan(product, admin)

    def lost() -> None:
        account.client("s3").delete_object(**stored(account, planned))

    with desk.asking(around("create_provisioning_artifact", after=lost)):
        stopped = confirm(planned, admin)
    assert (stopped.status, stopped.error) == (Status.FAILED, "not_read_back:gone")
    assert "could not be read back" in problems.of_publication(stopped.error)
    assert all(desk.live(account, product)[one]["Active"] for one in versions)


@pytest.mark.parametrize("document", [None, macro()], ids=["gated", "wrapped"])
def test_what_was_retired_before_a_change_is_still_told_after_it(
    account: Account, admin: Actor, document: dict[str, Any] | None
) -> None:
    product, _versions = desk.filled(account, document)
    planned = plan(product, admin)
    first, second = planned.retires

    def launch() -> None:
        account.ended(account.launch(product.product_id, second, "in-between"))

    with desk.asking(around("update_provisioning_artifact", after=launch)):
        confirm(planned, admin)
    desk.read()
    desk.long_ago()
    desk.work()
    planned.refresh_from_db()
    assert (planned.status, planned.error) == (Status.PLANNED, "")
    child = ["child"] if document else []
    assert done(planned) == [*child, "template", "version", f"retire {first}"]
    assert report.line(planned)["to_retire"] == [first, second]
    made, text = planned.artifact_id, planned.gated

    again = confirm(planned, admin)
    assert (again.status, again.error, again.artifact_id, again.gated) == (Status.DONE, "", made, text)
    assert report.line(again)["retired"] == report.line(again)["to_retire"] == [first, second]
    assert told(product).count("version_created") == 1
    assert {key for key, one in desk.live(account, product).items() if one["Active"]} == {made}


def done(publication: Publication) -> list[str]:
    steps = publication.steps.exclude(done_at=None)
    return [f"{one.kind} {one.target}".strip() for one in steps if one.kind not in ("check", "ready")]


def test_a_version_that_somebody_switched_on_again_is_retired_again(account: Account, admin: Actor) -> None:
    product, _versions = desk.filled(account)
    planned = plan(product, admin)
    first, second = planned.retires

    def meanwhile() -> None:
        account.ended(account.launch(product.product_id, second, "in-between"))
        account.catalogue.update_provisioning_artifact(
            ProductId=product.product_id, ProvisioningArtifactId=first, Active=True
        )

    with desk.asking(around("update_provisioning_artifact", after=meanwhile)):
        confirm(planned, admin)
    desk.read()
    desk.long_ago()
    desk.work()
    planned.refresh_from_db()
    assert sorted(planned.retires) == sorted([first, second])
    assert confirm(planned, admin).status == Status.DONE
    assert not any(desk.live(account, product)[one]["Active"] for one in (first, second))


def test_another_gate_than_before_the_change_is_made_anew(account: Account, admin: Actor) -> None:
    product, _versions = desk.filled(account)
    planned = plan(product, admin)
    _first, second = planned.retires

    def meanwhile() -> None:
        account.ended(account.launch(product.product_id, second, "in-between"))
        # As if Gatehouse had been updated: its gate is another one now.
        Publication.objects.filter(pk=planned.pk).update(options={"gate_updates": False})

    with desk.asking(around("update_provisioning_artifact", after=meanwhile)):
        confirm(planned, admin)
    desk.read()
    desk.long_ago()
    desk.work()
    planned.refresh_from_db()
    assert [one for one in done(planned) if not one.startswith("retire")] == []
    old = planned.artifact_id
    again = confirm(planned, admin)
    assert (again.status, again.error) == (Status.DONE, "")
    assert again.artifact_id != old
    names = [one["Name"] for one in desk.live(account, product).values()]
    assert len(set(names)) == len(names) == 4
