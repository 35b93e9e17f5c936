"""Publishing gated versions: planned, confirmed, carried out in any number of attempts, and never twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from approvals import audit, tasks
from approvals import publishing as worker
from approvals.actions import publishing as verbs
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.errors import Refused, Why
from approvals.models import AuditEvent
from approvals.sentences import sentence
from catalog import publishing
from catalog.gating import BadOption, inspect
from catalog.models import Product, Publication, Version
from catalog.models.publishing import Status
from catalog.publishing import problems, report
from catalog.sync.trouble import Denied, Passing
from portal import clock
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template
from tests.support import mirror
from tests.support import publishing as desk
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Account]:
    yield from desk.account(sandbox, monkeypatch, settings)


@pytest.fixture
def admin(cast: Cast) -> Actor:
    return Actor(cast.administrator, Channel.DESK)


def plan(product: Product, admin: Actor, retire: str = "inactive", **options: Any) -> Publication:
    newest = publishing.newest(product)
    made = verbs.plan(product, newest, options=options, retire=retire, actor=admin, now=clock.now())
    desk.work()
    made.refresh_from_db()
    return made


def confirm(publication: Publication, admin: Actor) -> Publication:
    publication = verbs.confirm(publication.uuid, shown=publication.shown, is_fresh=True, actor=admin, now=clock.now())
    desk.work()
    publication.refresh_from_db()
    return publication


def told(product: Product) -> list[str]:
    return list(
        AuditEvent.objects.filter(chain__subject=f"product:{product.product_id}")
        .order_by("number")
        .values_list("code", flat=True)
    )


def test_the_newest_version_is_gated_and_the_ungated_ones_are_retired(account: Account, admin: Actor) -> None:
    product, (first, second) = desk.filled(account)
    account.ended(account.launch(product.product_id, first, "team-queue"))
    planned = plan(product, admin)
    assert (planned.status, planned.verdict, planned.error) == (Status.PLANNED, "gated", "")
    assert planned.facts["source"]["id"] == second
    assert planned.facts["name"] == "v2 (gated)"
    runs = {one["id"]: one["launched"] for one in planned.facts["ungated"]}
    assert (runs[first]["count"], runs[first]["some"][0]["name"], runs[second]["count"]) == (1, "team-queue", 0)
    assert [one["name"] for one in planned.facts["portfolios"]] == ["Platform"]
    assert all(one["Active"] for one in desk.live(account, product).values()), "planning changes nothing"
    assert len(desk.live(account, product)) == 2

    done = confirm(planned, admin)
    assert (done.status, done.error) == (Status.DONE, "")
    now_there = desk.live(account, product)
    assert {key: one["Active"] for key, one in now_there.items()} == {
        first: False,
        second: False,
        done.artifact_id: True,
    }
    new = now_there[done.artifact_id]
    assert new["Name"] == "v2 (gated)"
    assert second in new["Description"]
    assert done.gated is not None
    assert inspect(done.gated.body.encode()).is_gated
    s3 = account.client("s3")
    key = f"gatehouse/{done.gated.sha256}.yaml"
    tags = s3.get_object_tagging(Bucket=desk.bucket_of(account), Key=key)["TagSet"]
    assert tags == [{"Key": "servicecatalog:provisioning", "Value": "true"}]
    assert s3.head_object(Bucket=desk.bucket_of(account), Key=key)["VersionId"] == done.template_version
    assert told(product) == [
        "publication_asked",
        "publication_planned",
        "publication_confirmed",
        "template_stored",
        "version_created",
        "version_ready",
        "version_retired",
        "version_retired",
        "publication_done",
    ]
    assert audit._verify().first_bad == ""
    said = " / ".join(sentence(event) for event in AuditEvent.objects.order_by("pk"))
    assert "Ada confirmed the plan" in said
    assert f"Version {first} was made inactive" in said
    desk.read()
    assert Version.objects.get(artifact_id=done.artifact_id).template == done.gated, "the mirror reads the same"


def test_what_was_retired_cannot_be_launched_any_more_and_the_new_one_can(account: Account, admin: Actor) -> None:
    product, (first, _second) = desk.filled(account)
    done = confirm(plan(product, admin), admin)
    with pytest.raises(account.catalogue.exceptions.ClientError):
        account.launch(product.product_id, first, "too-late")
    assert account.launch(product.product_id, done.artifact_id, "asks")["RecordId"]


def test_a_second_time_there_is_nothing_to_do(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    confirm(plan(product, admin), admin)
    desk.read()
    again = plan(product, admin)
    assert (again.status, again.verdict) == (Status.DONE, "already")
    assert len(desk.live(account, product)) == 3


def test_deprecated_is_the_softer_step_and_none_leaves_all(account: Account, admin: Actor) -> None:
    product, versions = desk.filled(account)
    confirm(plan(product, admin, "none"), admin)
    assert {one["Guidance"] for one in desk.live(account, product).values()} == {"DEFAULT"}
    desk.read()
    planned = plan(product, admin, "deprecated")
    assert (planned.verdict, planned.creates, sorted(planned.retires)) == ("already", False, sorted(versions))
    done = confirm(planned, admin)
    assert done.status == Status.DONE
    now_there = desk.live(account, product)
    assert {now_there[one]["Guidance"] for one in versions} == {"DEPRECATED"}
    assert all(one["Active"] for one in now_there.values())
    desk.read()
    harder = confirm(plan(product, admin, "inactive"), admin)
    assert harder.status == Status.DONE
    assert not any(desk.live(account, product)[one]["Active"] for one in versions)


def macro() -> dict[str, Any]:
    """What can only be wrapped."""
    return template("second") | {"Transform": "Somebodys::Macro"}


@pytest.mark.parametrize("document", [None, macro()], ids=["gated", "wrapped"])
def test_a_worker_may_die_before_and_after_every_call(
    account: Account, admin: Actor, document: dict[str, Any] | None
) -> None:
    product, versions = desk.filled(account, document)
    planned = plan(product, admin)
    assert planned.verdict == ("wrapped" if document else "gated")
    verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    deaths: list[str] = []
    with desk.dying_at_everything(deaths):
        for _ in range(200):
            desk.long_ago()
            with suppress(mirror.Killed):
                desk.work()
    made = {where.split()[1] for where in deaths if where.startswith("after")}
    assert made > {"put_object", "create_provisioning_artifact", "update_provisioning_artifact"}
    assert len(deaths) > 20
    planned.refresh_from_db()
    now_there = desk.live(account, product)
    assert len(now_there) == 3, "exactly one was made"
    assert {key for key, one in now_there.items() if one["Active"]} == {planned.artifact_id}
    assert set(now_there) == {*versions, planned.artifact_id}
    codes = told(product)
    assert codes.count("version_created") == 1
    assert codes.count("version_retired") == 2
    assert audit._verify().first_bad == ""


def test_a_worker_that_dies_after_creating_creates_no_second_one(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    planned = plan(product, admin)
    verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    with pytest.raises(mirror.Killed), desk.dying_after("create_provisioning_artifact"):
        desk.work()
    assert len(desk.live(account, product)) == 3
    desk.work()
    assert len(desk.live(account, product)) == 3, "its claim is still good: nobody takes it over at once"
    Publication.objects.update(claimed_at=clock.now() - timedelta(minutes=6))
    desk.work()
    planned.refresh_from_db()
    assert planned.status == Status.DONE
    assert len(desk.live(account, product)) == 3


def test_a_lost_claim_settles_nothing(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    planned = plan(product, admin)
    verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    slow = publishing.claim(clock.now())
    assert slow is not None
    desk.long_ago()
    desk.work()
    planned.refresh_from_db()
    assert planned.status == Status.DONE
    events = len(told(product))
    publishing.advance(slow, worker.told)
    assert len(told(product)) == events
    assert len(desk.live(account, product)) == 3


def test_clicked_twice_is_clicked_once(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    planned = plan(product, admin)
    for _ in range(2):
        verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    assert planned.steps.filter(kind="version").count() == 1
    desk.work()
    verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    desk.work()
    assert told(product).count("publication_confirmed") == 1
    assert len(desk.live(account, product)) == 3


def test_a_confirmation_of_something_else_is_refused(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    planned = plan(product, admin)
    with pytest.raises(Refused) as refused:
        verbs.confirm(planned.uuid, shown="0" * 64, is_fresh=True, actor=admin, now=clock.now())
    assert refused.value.why is Why.PLAN_CHANGED
    planned.refresh_from_db()
    assert planned.status == Status.PLANNED


def test_facts_that_changed_after_the_plan_are_shown_anew_and_nothing_is_done(account: Account, admin: Actor) -> None:
    product, (first, second) = desk.filled(account)
    planned = plan(product, admin)
    account.ended(account.launch(product.product_id, first, "in-between"))
    again = confirm(planned, admin)
    assert (again.status, again.confirmed_at) == (Status.PLANNED, None)
    assert again.changed_at is not None
    assert again.shown != planned.shown
    assert told(product)[-1] == "publication_changed"
    assert len(desk.live(account, product)) == 2
    with pytest.raises(Refused):
        verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    assert confirm(again, admin).status == Status.DONE
    assert not desk.live(account, product)[second]["Active"]


def test_a_version_the_desk_has_not_read_is_read_first(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    account.version(product.product_id, template("third"), "v3")
    waits = plan(product, admin)
    assert (waits.status, waits.error) == (Status.PLANNING, "mirror_behind")
    product.place.refresh_from_db()  # type: ignore[union-attr]
    desk.read()
    desk.long_ago()
    desk.work()
    waits.refresh_from_db()
    assert waits.status == Status.PLANNED
    assert len(waits.facts["ungated"]) == 3


def test_a_right_that_is_missing_stops_it_and_it_goes_on_later(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    cannot_tell = Denied("servicecatalog:SearchProvisionedProducts")
    with mirror.calls(mirror.fails("search_provisioned_products", cannot_tell)):
        planned = plan(product, admin)
        assert planned.status == Status.PLANNED
        assert {one["launched"] for one in planned.facts["ungated"]} == {None}, "who runs it cannot be told"
        verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
        denied = Denied("servicecatalog:UpdateProvisioningArtifact")
        with mirror.calls(mirror.fails("update_provisioning_artifact", denied)):
            desk.work()
    planned.refresh_from_db()
    assert (planned.status, planned.error) == (Status.FAILED, "denied:servicecatalog:UpdateProvisioningArtifact")
    assert "UpdateProvisioningArtifact" in problems.of_publication(planned.error)
    assert len(desk.live(account, product)) == 3
    verbs.resume(planned.uuid, actor=admin, now=clock.now())
    desk.work()
    planned.refresh_from_db()
    assert planned.status == Status.DONE
    assert len(desk.live(account, product)) == 3


def test_a_bucket_without_versions_is_not_used(
    sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any, admin: Actor
) -> None:
    account = Account(sandbox)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.account)
    desk.prepare(account, settings, versioned=False)
    product, _ = desk.filled(account)
    stopped = confirm(plan(product, admin), admin)
    assert (stopped.status, stopped.error) == (Status.FAILED, "not_versioned")
    assert len(desk.live(account, product)) == 2
    verbs.abandon(stopped.uuid, actor=admin, now=clock.now())
    stopped.refresh_from_db()
    assert stopped.status == Status.ABANDONED
    mirror.forget_clients()


def test_aws_that_does_not_answer_is_asked_again_and_in_the_end_it_stands(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    planned = plan(product, admin)
    verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())
    with mirror.calls(mirror.fails("put_object", Passing("no_answer"))):
        for _ in range(20):
            desk.long_ago()
            desk.work()
    planned.refresh_from_db()
    assert (planned.status, planned.error) == (Status.FAILED, "no_answer")
    assert len(desk.live(account, product)) == 2
    verbs.resume(planned.uuid, actor=admin, now=clock.now())
    desk.work()
    planned.refresh_from_db()
    assert planned.status == Status.DONE


def test_abandoned_half_way_does_no_more(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    planned = plan(product, admin)
    verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=clock.now())

    def abandoned(_count: int, operation: str) -> None:
        if operation == "describe_provisioning_artifact":
            verbs.abandon(planned.uuid, actor=admin, now=clock.now())

    with mirror.calls(abandoned):
        desk.work()
    planned.refresh_from_db()
    assert planned.status == Status.ABANDONED
    assert all(one["Active"] for one in desk.live(account, product).values())
    assert told(product)[-1] == "publication_abandoned"
    desk.read()
    again = confirm(plan(product, admin), admin)
    assert again.status == Status.DONE
    assert len(desk.live(account, product)) == 3, "the version that was made is taken"


def test_a_template_that_cannot_be_gated_says_why(account: Account, admin: Actor) -> None:
    hooks = template("second") | {"Hooks": {"Deploy": {"Type": "AWS::CodeDeploy::BlueGreen"}}}
    product, _ = desk.filled(account, hooks)
    refused = plan(product, admin)
    assert (refused.status, refused.error) == (Status.REFUSED, "gate")
    assert "Hooks" in report.reason(refused)
    with pytest.raises(Refused):
        verbs.confirm(refused.uuid, shown=refused.shown, is_fresh=True, actor=admin, now=clock.now())


def test_other_engines_and_other_accounts_are_refused(account: Account, admin: Actor, settings: Any) -> None:
    servers, _ = account.product_of("TERRAFORM_OPEN_SOURCE")
    product, _ = desk.filled(account)
    assert plan(Product.objects.get(product_id=servers), admin).error == "engine"
    settings.GATEHOUSE_PUBLISHER_ROLE = "arn:aws:iam::999999999999:role/other"
    assert plan(product, admin).error == "foreign"
    for code in ("engine", "foreign", "gone", "no_version", "unread:gone", "aws:LimitExceededException", "x"):
        assert problems.of_publication(code)


def test_a_hand_made_gate_that_leaks_is_no_gate(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account, template("second", waits=True))
    refused = plan(product, admin)
    assert (refused.status, refused.verdict, refused.error) in [
        (Status.REFUSED, "already", "held_in_part"),
        (Status.PLANNED, "gated", ""),
    ]


def test_only_administrators_publish_and_only_where_it_is_switched_on(
    account: Account, admin: Actor, cast: Cast, settings: Any
) -> None:
    product, _ = desk.filled(account)
    planned = plan(product, admin)
    now = clock.now()
    given: dict[str, Any] = {"options": {}, "retire": "inactive"}
    for person in (cast.auditor, cast.approver, cast.requester, None):
        who = Actor(person, Channel.DESK)
        for verb in (
            lambda who=who: verbs.plan(product, None, **given, actor=who, now=now),
            lambda who=who: verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=who, now=now),
            lambda who=who: verbs.resume(planned.uuid, actor=who, now=now),
            lambda who=who: verbs.abandon(planned.uuid, actor=who, now=now),
        ):
            with pytest.raises(Refused) as refused:
                verb()
            assert refused.value.why is Why.NOT_ALLOWED
    with pytest.raises(BadOption):
        verbs.plan(product, None, options={"timeout": 1}, retire="inactive", actor=admin, now=now)
    settings.GATEHOUSE_TEMPLATE_BUCKET = ""
    with pytest.raises(Refused) as off:
        verbs.confirm(planned.uuid, shown=planned.shown, is_fresh=True, actor=admin, now=now)
    assert off.value.why is Why.PUBLISHING_OFF
    tasks.publish()
    planned.refresh_from_db()
    assert planned.status == Status.PLANNED


def test_a_product_has_one_open_publication(account: Account, admin: Actor) -> None:
    product, _ = desk.filled(account)
    first = plan(product, admin)
    second = plan(product, admin)
    first.refresh_from_db()
    assert (first.status, second.status) == (Status.ABANDONED, Status.PLANNED)
    verbs.confirm(second.uuid, shown=second.shown, is_fresh=True, actor=admin, now=clock.now())
    with pytest.raises(Refused) as refused:
        verbs.plan(product, None, options={}, retire="none", actor=admin, now=clock.now())
    assert refused.value.why is Why.PUBLISHING_ALREADY
    with pytest.raises(IntegrityError), transaction.atomic():
        Publication.objects.create(product=product, retire="none", created_at=clock.now(), next_at=clock.now())


def test_a_whole_portfolio_in_one_go_and_one_that_fails_stops_nothing(account: Account, admin: Actor) -> None:
    from catalog.models import Portfolio

    portfolio = account.portfolio("Shop")
    first, _ = account.product("First", template("one"), portfolio)
    second, _ = account.product("Second", template("two"), portfolio)
    third, _ = account.product("Third", template("three") | {"Hooks": {"X": {}}}, portfolio)
    desk.read()
    shop = Portfolio.objects.get(portfolio_id=portfolio)
    given: dict[str, Any] = {"options": {}, "retire": "inactive", "actor": admin}
    rollout = verbs.plan_portfolio(shop, **given, now=clock.now())
    desk.work()
    lines = {one.product.product_id: one for one in rollout.publications.select_related("product")}
    assert {key: one.status for key, one in lines.items()} == {
        first: Status.PLANNED,
        second: Status.PLANNED,
        third: Status.REFUSED,
    }
    shown = verbs.shown_of(lines.values())
    with pytest.raises(Refused):
        verbs.confirm_portfolio(rollout.uuid, shown="0" * 64, is_fresh=True, actor=admin, now=clock.now())
    assert verbs.confirm_portfolio(rollout.uuid, shown=shown, is_fresh=True, actor=admin, now=clock.now()) == 2
    assert verbs.confirm_portfolio(rollout.uuid, shown=shown, is_fresh=True, actor=admin, now=clock.now()) == 0
    busy = verbs.plan_portfolio(shop, **given, now=clock.now())
    assert {one.error for one in busy.publications.filter(status=Status.REFUSED)} == {"busy"}
    desk.work()
    assert set(rollout.publications.values_list("status", flat=True)) == {Status.DONE, Status.REFUSED}
    for product_id in (first, second):
        assert (
            sum(one["Active"] for one in desk.live(account, Product.objects.get(product_id=product_id)).values()) == 1
        )
    codes = list(AuditEvent.objects.filter(chain__subject="operations").values_list("code", flat=True))
    assert codes == ["rollout_asked", "rollout_confirmed", "rollout_asked"]


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("publish", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_shows_the_plan_and_does_it_when_told_yes(account: Account, cast: Cast, tmp_path: Path) -> None:
    product, (first, second) = desk.filled(account)
    who = ("--as", cast.administrator.email)
    dry = command(product.product_id, "--dry-run", "--report", str(tmp_path / "dry.json"))
    assert "creates: v2 (gated)" in dry
    assert not Publication.objects.exists()
    assert json.loads((tmp_path / "dry.json").read_text())[0]["to_retire"] == sorted([first, second])
    shown = command(product.product_id, *who)
    assert "| +" in shown
    assert "Nothing was changed" in shown
    assert len(desk.live(account, product)) == 2
    done = command(product.product_id, "--yes", "--version", first, "--report", str(tmp_path / "done.csv"), *who)
    assert "creates: v1 (gated)" in done
    assert "Create the version: done" in done
    assert len(desk.live(account, product)) == 3
    assert (tmp_path / "done.csv").read_text("utf-8-sig").startswith("product_id,")
    with pytest.raises(CommandError, match="may not"):
        command(product.product_id, "--as", cast.auditor.email)
    with pytest.raises(CommandError, match="--as"):
        command(product.product_id)
    with pytest.raises(CommandError, match="no product"):
        command("prod-none", *who)


def test_the_command_reports_a_portfolio(account: Account, cast: Cast, tmp_path: Path) -> None:
    portfolio = account.portfolio("Shop")
    account.product("First", template("one"), portfolio)
    account.product("Second", template("two") | {"Hooks": {"X": {}}}, portfolio)
    desk.read()
    with pytest.raises(CommandError, match="1 of 2"):
        command("--portfolio", portfolio, "--dry-run")
    out = tmp_path / "report.json"
    with pytest.raises(CommandError, match="1 of 2"):
        command("--portfolio", portfolio, "--yes", "--report", str(out), "--as", cast.administrator.email)
    lines = {one["product"]: one for one in json.loads(out.read_text())}
    assert lines["First"]["status"] == "done"
    assert lines["First"]["retired"] == lines["First"]["to_retire"] != []
    assert "Hooks" in lines["Second"]["reason"]


def test_accounts_and_principals_are_named(account: Account, admin: Actor, sandbox: str) -> None:
    product, _ = desk.filled(account)
    portfolio = account.catalogue.list_portfolios_for_product(ProductId=product.product_id)["PortfolioDetails"][0]["Id"]
    role = f"arn:aws:iam::{account.account}:role/Developers"
    account.catalogue.associate_principal_with_portfolio(PortfolioId=portfolio, PrincipalARN=role, PrincipalType="IAM")
    other = Account(sandbox)
    account.share(portfolio, other)
    (named,) = plan(product, admin).facts["portfolios"]
    assert (named["principals"], named["accounts"]) == ([role], [other.account])


def test_json_on_one_line_is_laid_out_before_it_is_compared() -> None:
    old = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Metadata": "x" * 1000}}})
    new = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "DependsOn": "Gate", "Metadata": "x" * 1000}}})
    assert ("added", '+      "DependsOn": "Gate",') in publishing.lines(old, new)
    assert publishing.lines("a: b", "]") == []


def test_a_difference_shows_no_secrets() -> None:
    secret = "Parameters:\n  Password: {Type: String, NoEcho: true, Default: hunter22}\n"
    old = f"{secret}Resources:\n  Q: {{Type: AWS::SQS::Queue}}\n"
    shown = "\n".join(line for _kind, line in publishing.lines(old, f"{old}Outputs: {{}}\n"))
    assert "+Outputs: {}" in shown
    assert "hunter22" not in "\n".join(line for _, line in publishing.lines(old, old.replace("String", "Number")))
