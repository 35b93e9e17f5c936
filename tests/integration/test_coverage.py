"""Coverage is worked out from what the mirror holds, kept, and counted day by day."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from approvals import tasks
from catalog import coverage, sync
from catalog.coverage import Risk, Verdict, covering, roles
from catalog.coverage.analysis import VERSION
from catalog.gating import inspect
from catalog.models import Constraint, CoverageDay, Place, Product, SyncRun, Template, Version
from catalog.sync.reading import Reader
from catalog.sync.trouble import Denied, Passing, Trouble
from portal.clock import now
from tests.sandbox.servicecatalog_support import Place as Account
from tests.support import mirror, shelf

pytestmark = pytest.mark.django_db
SECOND, THIRD = (shelf.QUEUE.replace("Queue:", name) for name in ("Second:", "Third:"))
FOREIGN = "arn:aws:lambda:us-east-1:999999999999:function:gatehouse-notify"
UNREACHABLE = Passing("no_answer")


@pytest.fixture(autouse=True)
def _iam_is_silent(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Most of these tests are about rows: nobody is asked."""
    if "account" in request.fixturenames:
        return

    def ask(*_arguments: Any, **_named: Any) -> dict[str, Any]:
        raise UNREACHABLE

    monkeypatch.setattr(Reader, "ask", ask)


def test_versions_and_products_are_judged() -> None:
    product = shelf.product()
    good = shelf.version(product, shelf.gated(), "v2")
    old = shelf.version(product, shelf.QUEUE, "v1", guidance="DEPRECATED")
    unread = shelf.version(shelf.product("Secret"), name="v1", template_unread="denied:s3:GetObject")
    terraform = shelf.version(shelf.product("Servers", engine="TERRAFORM_CLOUD"), type="TERRAFORM_CLOUD")
    shelf.covered()
    for row in (good, old, unread, terraform, product):
        row.refresh_from_db()
    assert (good.verdict, old.verdict, unread.verdict, terraform.verdict) == (
        Verdict.RECEIPT,
        Verdict.UNGATED,
        Verdict.UNREAD,
        Verdict.NO_STACK,
    )
    assert (product.risk, product.open_versions) == (Risk.UPDATE, 1)
    assert Product.objects.get(name="Secret").risk == Risk.UNREAD
    assert Product.objects.get(name="Servers").risk == Risk.NONE
    assert "s3:GetObject" in str(unread.reasons)
    template = Template.objects.get(sha256=good.template.sha256)  # type: ignore[union-attr]
    assert (template.analysis_version, template.analysis["gates"][0]["kind"]) == (VERSION, "receipt")


def test_a_template_is_analysed_once_and_again_by_newer_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.version(shelf.product(), shelf.QUEUE)
    analysed: list[str] = []

    def analyse(text: str) -> coverage.Analysis:
        analysed.append(text)
        return coverage.analyse(text)

    monkeypatch.setattr(covering, "analyse", analyse)
    shelf.covered()
    shelf.covered()
    assert len(analysed) == 1
    monkeypatch.setattr(covering, "VERSION", VERSION + 1)
    shelf.covered()
    assert len(analysed) == 2


def test_what_did_not_change_is_not_judged_again(django_assert_max_num_queries: Any) -> None:
    for number in range(5):
        shelf.version(shelf.product(f"Queue {number}"), shelf.QUEUE)
    shelf.covered()
    place = Place.objects.get()
    with django_assert_max_num_queries(6):
        shelf.covered()
    place.refresh_from_db()
    before = place.covered_at
    shelf.read(place, now())
    shelf.covered()
    place.refresh_from_db()
    assert place.covered_at != before


def test_a_version_that_was_made_inactive_closes_its_door() -> None:
    product = shelf.product()
    shelf.version(product, shelf.gated(), "v2")
    old = shelf.version(product, shelf.QUEUE, "v1")
    shelf.covered()
    product.refresh_from_db()
    assert (product.risk, product.open_versions) == (Risk.LAUNCH, 1)
    Version.objects.filter(pk=old.pk).update(active=False)
    assert coverage.assess(Product.objects.filter(pk=product.pk)) == 0
    product.refresh_from_db()
    assert (product.risk, product.open_versions) == (Risk.RECEIPT, 0)


def test_two_versions_with_gates_of_the_same_names_name_each_other() -> None:
    text = shelf.gated()
    hand_made = text.replace(inspect(text.encode()).gates[0].version, "V1")
    product = shelf.product()
    first = shelf.version(product, hand_made, "v1")
    shelf.version(product, hand_made.replace("QueueName: !Ref Size", "QueueName: other"), "v2")
    twin = shelf.version(product, hand_made, "v1 again")
    shelf.covered()
    first.refresh_from_db()
    assert first.verdict == Verdict.UPDATES_OPEN
    assert [one["names"] for one in first.reasons if one["because"] == "same_gate"] == [["v2"]]
    twin.refresh_from_db()
    assert twin.verdict == Verdict.UPDATES_OPEN


def test_the_trend_has_a_row_a_day_and_place() -> None:
    here, there = shelf.place(), shelf.place("444455556666")
    product = shelf.product(where=here)
    shelf.version(product, shelf.QUEUE)
    shelf.version(shelf.product("Other", there), shelf.gated())
    shelf.covered()
    shelf.covered()
    days = {day.place.account: day for day in CoverageDay.objects.select_related("place")}
    assert set(days) == {here.account, there.account}
    assert (days[here.account].products, days[here.account].versions) == ({"1": 1}, {"ungated": 1})
    assert days[there.account].products == {str(Risk.RECEIPT.value): 1}
    covering.cover(now() + timedelta(days=1), 30)
    assert CoverageDay.objects.count() == 4


def test_a_strange_template_keeps_nobody_from_being_judged() -> None:
    product = shelf.product()
    shelf.version(product, "Resources: {{{{", "v1")
    shelf.version(product, '{"Resources": {"A\\u0000": {"Type": "Custom::\\ud800"}}}', "v2")
    good = shelf.version(product, shelf.gated(), "v3")
    shelf.covered()
    good.refresh_from_db()
    assert good.verdict == Verdict.RECEIPT
    assert not Version.objects.filter(verdict="").exists()


def test_when_the_time_is_up_the_next_round_goes_on() -> None:
    shelf.version(shelf.product(), shelf.QUEUE)
    shelf.covered(seconds=0)
    assert Place.objects.get().covered_at is None
    tasks.cover_catalogue.run()
    assert Version.objects.get().verdict == Verdict.UNGATED


def test_publishing_holds_for_gated_what_coverage_does() -> None:
    product = shelf.product()
    rows = {
        "receipt": shelf.version(product, shelf.gated(), "v1"),
        "foreign": shelf.version(product, shelf.gated(SECOND, service_token=FOREIGN), "v2"),
        "open": shelf.version(product, shelf.gated(THIRD, gate_updates=False), "v3"),
        "none": shelf.version(product, shelf.QUEUE, "v4"),
        "unread": shelf.version(product, name="v5"),
    }
    assert coverage.held(product) == {rows["receipt"].pk}, "nothing was analysed yet"
    shelf.covered()
    assert coverage.held(product) == {rows["receipt"].pk}


def test_a_product_whose_versions_were_never_read_or_not_all_is_not_known() -> None:
    new, large = shelf.product("New", versions_in=0), shelf.product("Large", cut_off=True)
    shelf.version(large, shelf.gated())
    shelf.covered()
    for row in (new, large):
        row.refresh_from_db()
        assert row.risk == Risk.UNREAD


def test_a_list_of_versions_that_aws_cuts_off_is_noted(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.product()
    real = Reader.ask

    def ask(reader: Reader, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        answer = real(reader, service, operation, **arguments)
        return answer | ({"NextPageToken": "x"} if operation == "list_provisioning_artifacts" else {})

    monkeypatch.setattr(Reader, "ask", ask)
    assert sync.run(mirror.watched()) is not None
    product = Product.objects.get()
    assert product.cut_off
    assert product.versions_at is not None
    monkeypatch.setattr(Reader, "ask", real)
    assert sync.run(mirror.watched()) is not None
    product.refresh_from_db()
    assert not product.cut_off


# Launch roles

ROLE = f"arn:aws:iam::{shelf.ACCOUNT}:role/launch"


def constraint_of(role: str = ROLE, text: str = "") -> Constraint:
    product = shelf.product()
    shelf.version(product, text or shelf.gated())
    shelf.offer(product, role=role)
    return Constraint.objects.get()


def answering(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def ask(_reader: Reader, _service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        asked.append({"operation": operation, **arguments})
        found = answer(operation, arguments)
        if isinstance(found, Exception):
            raise found
        return dict(found)

    monkeypatch.setattr(Reader, "ask", ask)
    return asked


def decided(*, notify: str = "allowed", verify: str = "allowed") -> Any:
    def answer(_operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        decision = notify if arguments["ResourceArns"][0].endswith("gatehouse-notify") else verify
        return {"EvaluationResults": [{"EvalActionName": "lambda:InvokeFunction", "EvalDecision": decision}]}

    return answer


def test_a_role_that_may_not_call_verify_is_a_risk(monkeypatch: pytest.MonkeyPatch) -> None:
    constraint = constraint_of()
    asked = answering(monkeypatch, decided(verify="implicitDeny"))
    shelf.covered()
    constraint.refresh_from_db()
    assert (constraint.role_refuses, constraint.role_unasked) == (["gatehouse-verify"], "")
    assert "may not call gatehouse-verify" in roles.sentence_of(constraint)
    assert Product.objects.get().risk == Risk.ROLE
    assert [one["ResourceArns"][0].rpartition(":")[2] for one in asked] == ["gatehouse-notify", "gatehouse-verify"]
    shelf.covered()
    assert len(asked) == 2, "it was asked a moment ago"
    answering(monkeypatch, decided())
    covering.cover(now() + timedelta(hours=7), 30)
    constraint.refresh_from_db()
    assert constraint.role_refuses == []
    assert Product.objects.get().risk == Risk.RECEIPT


def test_a_role_matters_only_where_there_is_a_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    constraint_of(text=shelf.QUEUE)
    answering(monkeypatch, decided(notify="implicitDeny", verify="implicitDeny"))
    shelf.covered()
    assert Product.objects.get().risk == Risk.LAUNCH
    assert Constraint.objects.get().role_refuses == ["gatehouse-notify", "gatehouse-verify"]


@pytest.mark.parametrize(
    ("role", "trouble", "code", "words"),
    [
        ("arn:aws:iam::999999999999:role/launch", None, "elsewhere", "another account"),
        (ROLE, Trouble("aws:NoSuchEntity"), "no_role", "no such role"),
        (ROLE, Denied("iam:SimulatePrincipalPolicy"), "denied:iam:SimulatePrincipalPolicy", "is missing"),
        (ROLE, Trouble("aws:InvalidInput"), "aws:InvalidInput", "InvalidInput"),
    ],
)
def test_a_role_that_cannot_be_looked_at_says_why(
    monkeypatch: pytest.MonkeyPatch, role: str, trouble: Exception | None, code: str, words: str
) -> None:
    constraint = constraint_of(role)
    answering(monkeypatch, lambda _operation, _arguments: trouble)
    shelf.covered()
    constraint.refresh_from_db()
    assert (constraint.role_refuses, constraint.role_unasked) == ([], code)
    assert words in roles.sentence_of(constraint)
    assert Product.objects.get().risk == (Risk.ROLE if code == "no_role" else Risk.RECEIPT)


def test_when_iam_does_not_answer_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    constraint = constraint_of()
    shelf.covered()
    constraint.refresh_from_db()
    assert constraint.role_asked_at is None
    assert Product.objects.get().risk == Risk.RECEIPT, "the rest was judged"
    answering(monkeypatch, decided())
    shelf.covered()
    constraint.refresh_from_db()
    assert constraint.role_asked_at is not None


def test_one_role_of_many_products_is_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        product = shelf.product(f"Queue {number}")
        shelf.version(product, shelf.gated())
        shelf.offer(product, role=ROLE)
    asked = answering(monkeypatch, decided())
    shelf.covered()
    assert len(asked) == 2


# From the sandbox


def test_what_was_synced_is_covered(account: Account) -> None:
    portfolio = account.portfolio()
    product, _version = account.product(portfolio=portfolio)
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "servicecatalog.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="launch", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    account.catalogue.create_constraint(
        PortfolioId=portfolio, ProductId=product, Type="LAUNCH", Parameters=json.dumps({"RoleArn": role})
    )
    assert sync.run(mirror.watched()) is not None
    shelf.covered()
    kept = Product.objects.get()
    assert (kept.risk, kept.open_versions) == (Risk.LAUNCH, 1)
    constraint = Constraint.objects.get()
    assert constraint.role_refuses == ["gatehouse-notify", "gatehouse-verify"]
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
    iam.put_role_policy(
        RoleName="launch",
        PolicyName="calls",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    covering.cover(now() + timedelta(hours=7), 30)
    constraint.refresh_from_db()
    assert (constraint.role_refuses, constraint.role_unasked) == ([], "")
    assert SyncRun.objects.count() == 1


def test_without_simulation_the_role_s_policies_are_read(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = account.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="launch", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    product = shelf.product(where=shelf.place(account.account))
    shelf.version(product, shelf.gated())
    shelf.offer(product, role=role)
    real = Reader.ask

    def ask(reader: Reader, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        if operation == "simulate_principal_policy":
            raise Denied("iam:SimulatePrincipalPolicy")
        return real(reader, service, operation, **arguments)

    monkeypatch.setattr(Reader, "ask", ask)
    shelf.covered()
    assert Constraint.objects.get().role_refuses == ["gatehouse-notify", "gatehouse-verify"]
    told = {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}
    for statements, refuses in (
        ([told], []),
        ([told, {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*:gatehouse-verify"}], ["gatehouse-verify"]),
    ):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName="launch", PolicyName="calls", PolicyDocument=policy)
        Constraint.objects.update(role_asked_at=None)
        shelf.covered()
        assert Constraint.objects.get().role_refuses == refuses
    iam.delete_role_policy(RoleName="launch", PolicyName="calls")
    iam.delete_role(RoleName="launch")
    covering.cover(now() + timedelta(hours=7), 30)
    assert Constraint.objects.get().role_unasked == "no_role"
    with pytest.raises(ClientError):
        iam.get_role(RoleName="launch")


def test_reasons_of_another_release_are_left_out() -> None:
    version = shelf.version(shelf.product(), shelf.QUEUE)
    version.reasons = [{"because": "of tomorrow", "names": [], "about": "", "more": 0}, {"because": "no_gate"}]
    assert [reason.because.value for reason in coverage.reasons_of(version)] == ["no_gate"]
