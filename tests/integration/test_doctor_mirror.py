"""The doctor believes the mirror where that was read lately, and finds there what it would find on AWS."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from approvals.doctor import products
from approvals.doctor.checks import gates
from approvals.doctor.findings import Finding, Severity
from approvals.doctor.visit import Denied, Place, Round, Visit
from catalog.gating import inspect
from catalog.models import SyncRun
from portal.clock import now
from portal.phrases import filled
from tests.support import shelf

pytestmark = pytest.mark.django_db
HERE = Place(shelf.ACCOUNT, shelf.REGION)


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Visit:
    """AWS lets nobody look."""

    def refused(place: Place, service: str, operation: str, *_more: Any, **_arguments: Any) -> Any:
        raise Denied(f"{service}:{operation}", place)

    monkeypatch.setattr(Place, "pages", refused)
    monkeypatch.setattr(Place, "read", refused)
    round_ = Round(now())
    round_.once("home", lambda: HERE)
    return Visit(round_, HERE)


def test_what_the_mirror_holds_is_looked_at(visit: Visit) -> None:
    product = shelf.product()
    shelf.version(product, shelf.gated(), "v3")
    shelf.version(product, shelf.QUEUE, "v2")
    shelf.version(product, shelf.QUEUE, "v1", guidance="DEPRECATED")
    shelf.version(product, shelf.QUEUE, "v0", active=False)
    shelf.version(product, shelf.gated() + "  Later:\n    Type: AWS::SNS::Topic\n", "v4")
    shelf.version(product, "no template", "v5")
    shelf.version(product, name="v6", template_unread="gone")
    shelf.version(shelf.product("Servers", engine="EXTERNAL"), shelf.QUEUE, type="EXTERNAL")
    found = {version.name: version for version in products.versions(visit)}
    assert set(found) == {"v1", "v2", "v3", "v4", "v5", "v6"}
    assert [name for name, one in found.items() if one.is_gated] == ["v3", "v4"]
    assert found["v6"].unread == "gone"
    assert "line" not in str(found["v3"].unread)
    found_there = list(gates.ungated_version(visit))
    # v4 was made of v3 by hand.
    around = [one.facts["whose"] for one in found_there if "whose" in one.facts]
    assert around == ["Queue v3", "Queue v4", "Queue v4"]
    seen = [filled(one.seen, one.facts) for one in found_there if "whose" not in one.facts]
    assert seen == [
        "Queue v2 has no gate and can be launched.",
        "Queue v1 is deprecated and has no gate: updates to it need no approval.",
        "Queue v4 has a gate, and creates before anybody approves: Later.",
    ]
    unreadable = [one.facts["version"] for one in gates.template_unreadable(visit)]
    assert unreadable == ["Queue v5", "Queue v6"]


def test_all_that_coverage_finds_at_a_gate_is_said(visit: Visit, django_assert_max_num_queries: Any) -> None:
    product = shelf.product()
    child = "https://bucket.s3.amazonaws.com/child.yaml"
    nested = f"Resources:\n  Child:\n    Type: AWS::CloudFormation::Stack\n    Properties: {{TemplateURL: '{child}'}}\n"
    text = shelf.gated()
    hand_made = text.replace(inspect(text.encode()).gates[0].version, "V1")
    shelf.version(product, shelf.gated(nested), "v1")
    shelf.version(product, hand_made, "v2")
    shelf.version(product, hand_made.replace("QueueName: !Ref Size", "QueueName: other"), "v3")
    shelf.covered()
    with django_assert_max_num_queries(2):
        found = [
            Finding("c", one.severity or Severity.OK, "", one.seen, "", "", one.facts)
            for one in gates.ungated_version(visit)
        ]
    assert [(one.severity, one.seen.partition(" ")[2][:3]) for one in found if "Child" in one.seen] == [
        (Severity.CRITICAL, "v1:")
    ]
    same = [one.seen for one in found if "the same names as" in one.seen]
    assert [words[:9] for words in same] == ["Queue v2:", "Queue v3:"]
    assert "of v3," in same[0]


def test_of_many_names_the_rest_is_counted_also_what_was_not_kept(visit: Visit) -> None:
    stacks = "".join(
        f"  Child{number}:\n    Type: AWS::CloudFormation::Stack\n"
        "    Properties: {TemplateURL: 'https://bucket.s3.amazonaws.com/child.yaml'}\n"
        for number in range(20)
    )
    shelf.version(shelf.product(), shelf.gated(f"Resources:\n{stacks}"))
    (one,) = gates.ungated_version(visit)
    assert filled(one.seen, one.facts).endswith("Child7 and 12 more.")


@pytest.mark.parametrize("change", [{"finished_at": -2}, {"result": "failed"}])
def test_a_mirror_that_is_old_or_was_not_read_to_its_end_is_not_believed(visit: Visit, change: dict[str, Any]) -> None:
    shelf.version(shelf.product(), shelf.QUEUE)
    if hours := change.pop("finished_at", 0):
        change["finished_at"] = now() + timedelta(hours=hours)
    SyncRun.objects.update(**change)
    with pytest.raises(Denied, match="search_products_as_admin"):
        products.versions(visit)
