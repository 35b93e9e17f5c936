"""The template as it is, deployed into the local AWS, with our own samples behind its gate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lambdas.account import Account, answer, signal, with_hub
from tests.lambdas.conftest import ROOT

LAMBDAS = ROOT / "lambdas"


@pytest.fixture(scope="module")
def account(sandbox: str) -> Account:
    return with_hub("200000000000", sandbox)


@pytest.fixture(scope="module")
def sample() -> str:
    return (LAMBDAS / "samples" / "data-sandbox.yaml").read_text("utf-8")


def test_an_approved_launch_completes_and_keeps_its_receipt(account: Account, sample: str) -> None:
    stack_id = account.launch("approved", sample)
    launch = account.message(stack_id, kind="launch", event="Create")
    assert launch["requester"]["email"] == "rita@example.com"
    assert (launch["hold"]["wait"], launch["hold"]["timeout"]) == ("ApprovalWaitV1", 42600)
    receipt = account.receipt(launch)
    signal(launch, data=receipt)
    stack = account.ended(stack_id)
    assert stack["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack_id)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs["ApprovalReceipt"] == receipt
    account.message(stack_id, kind="status", scope="stack", status="CREATE_COMPLETE")


def test_a_signal_without_a_receipt_stops_the_stack_and_raises_an_alarm(account: Account, sample: str) -> None:
    stack_id = account.launch("forged", sample)
    launch = account.message(stack_id, kind="launch", event="Create")
    signal(launch, data="approved")
    assert account.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "without a valid approval of the desk" in account.reasons(stack_id)
    assert account.message(stack_id, kind="alarm", code="bypass")["fingerprint"] == launch["fingerprint"]
    assert account.message(stack_id, kind="launch", event="Delete")["fingerprint"] == launch["fingerprint"]


def test_a_receipt_of_another_launch_does_not_help(account: Account, sample: str) -> None:
    stack_id = account.launch("copied", sample)
    launch = account.message(stack_id, kind="launch", event="Create")
    signal(launch, data=account.receipt(launch, stack=stack_id + "0"))
    assert account.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    account.message(stack_id, kind="alarm", code="bypass")


def test_a_rejected_launch_rolls_back_with_the_reason(account: Account, sample: str) -> None:
    stack_id = account.launch("rejected", sample)
    launch = account.message(stack_id, kind="launch", event="Create")
    signal(launch, "FAILURE", "GH-1 was rejected: too large")
    assert account.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "GH-1 was rejected: too large" in account.reasons(stack_id)
    account.message(stack_id, kind="launch", event="Delete")


def test_a_new_version_is_asked_for_again_and_a_rejected_one_is_taken_back(account: Account, sample: str) -> None:
    stack_id, first = account.stands("versions", sample)

    def update(version: str) -> dict[str, Any]:
        account.update(stack_id, sample.replace("V1", version))
        return account.message(stack_id, kind="launch", logical_id=f"ApprovalRequest{version}", event="Create")

    second = update("V2")
    assert second["stack"]["status"] == "UPDATE_IN_PROGRESS"
    signal(second, data=account.receipt(second))
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack_id)
    gone = account.message(stack_id, kind="launch", event="Delete", logical_id="ApprovalRequestV1")
    assert gone["fingerprint"] == first["fingerprint"]

    third = update("V3")
    signal(third, "FAILURE", "no")
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", account.reasons(stack_id)


def test_the_same_request_with_a_new_handle_is_a_new_launch(account: Account, sample: str) -> None:
    stack_id, first = account.stands("handle", sample)
    newer = sample.replace("ApprovalHandleV1", "ApprovalHandleV2").replace("ApprovalWaitV1", "ApprovalWaitV2")
    account.update(stack_id, newer)
    second = account.message(stack_id, kind="launch", event="Update")
    assert (second["hold"]["kind"], second["fingerprint"] != first["fingerprint"]) == ("wait_handle", True)
    signal(second, data=account.receipt(second))
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack_id)


# Updates of parameters alone


def purpose(launch: dict[str, Any]) -> str:
    return next(str(p["value"]) for p in launch["parameters"] if p["name"] == "Purpose")


def test_an_approved_update_completes_with_its_own_receipt(account: Account, sample: str) -> None:
    stack_id, first = account.stands("held", sample)
    account.update(stack_id, sample, Purpose="more", UpdateTimeout="600")
    held = account.message(stack_id, kind="launch", event="Update")
    assert (held["hold"]["kind"], held["hold"]["timeout"], purpose(held)) == ("response", 600, "more")
    assert held["hold"]["physical_id"] == first["physical_id"]
    receipt = account.receipt(held)
    answer(held, receipt=receipt)
    stack = account.ended(stack_id)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack_id)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs["ApprovalReceipt"] == receipt
    # The resource has a new name: CloudFormation takes leave of the old one.
    gone = account.message(stack_id, kind="launch", event="Delete")
    assert gone["fingerprint"] == first["fingerprint"]


def test_an_update_without_a_receipt_is_taken_back(account: Account, sample: str) -> None:
    stack_id, _ = account.stands("held-forged", sample)
    account.update(stack_id, sample, Purpose="more")
    held = account.message(stack_id, kind="launch", event="Update")
    answer(held, receipt="")
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", account.reasons(stack_id)
    assert account.message(stack_id, kind="alarm", code="bypass")["fingerprint"] == held["fingerprint"]


def test_a_rejected_update_is_taken_back_and_can_be_asked_again(account: Account, sample: str) -> None:
    stack_id, first = account.stands("held-rejected", sample)
    account.update(stack_id, sample, Purpose="more")
    held = account.message(stack_id, kind="launch", event="Update")
    answer(held, "FAILED", "GH-1: approval asked, retry when granted")
    stack = account.ended(stack_id)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", account.reasons(stack_id)
    assert "GH-1: approval asked, retry when granted" in account.reasons(stack_id)

    account.update(stack_id, sample, Purpose="more")
    again = account.message(stack_id, kind="launch", event="Update")
    assert again["fingerprint"] == held["fingerprint"]
    assert again["hold"]["request_id"] != held["hold"]["request_id"]
    assert again["hold"]["physical_id"] == first["physical_id"]
    answer(again, receipt=account.receipt(again))
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack_id)


BREAKS = """
  Broken:
    Type: Custom::Broken
    Condition: Breaks
    Properties:
      ServiceToken: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:nowhere
"""


def test_an_approved_update_that_fails_elsewhere_is_taken_back_without_asking(account: Account, sample: str) -> None:
    broken = sample.replace(
        "\nResources:\n", f"\nConditions:\n  Breaks: !Equals [!Ref Purpose, break]\n\nResources:{BREAKS}"
    ).replace("Type: Custom::Broken\n", "Type: Custom::Broken\n    DependsOn: ApprovalReceiptV1\n")
    stack_id, _ = account.stands("held-broken", broken)
    for _ in range(2):
        account.update(stack_id, broken, Purpose="break")
        held = account.message(stack_id, kind="launch", event="Update")
        answer(held, receipt=account.receipt(held))
        assert account.ended(stack_id)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", account.reasons(stack_id)
    account.update(stack_id, broken, Purpose="mended")
    held = account.message(stack_id, kind="launch", event="Update")
    answer(held, receipt=account.receipt(held))
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack_id)


def test_an_update_that_ends_while_it_is_held_is_taken_back_at_once(account: Account, sample: str) -> None:
    stack_id, _ = account.stands("held-cancelled", sample)
    account.update(stack_id, sample, Purpose="more")
    held = account.message(stack_id, kind="launch", event="Update")
    account.client("cloudformation").cancel_update_stack(StackName=stack_id)
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", account.reasons(stack_id)
    answer(held, receipt=account.receipt(held))  # S3 takes it, nobody reads it
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_gate_that_holds_no_updates_lets_a_parameter_through(account: Account, sample: str) -> None:
    open_ = sample.replace("GateUpdates: 'yes'", "GateUpdates: 'no'")
    stack_id, _ = account.stands("not-held", open_)
    account.update(stack_id, open_, Purpose="more")
    assert account.ended(stack_id)["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack_id)


def test_the_hubs_keys_say_what_a_wrong_signature_is(account: Account) -> None:
    invoked = account.client("lambda").invoke(FunctionName="gatehouse-verify", Payload=b'{"self_test": true}')
    assert json.loads(invoked["Payload"].read()) == {"keys": {account.hub["SigningKeyArn"]: "wrong signature"}}


@pytest.mark.parametrize("name", ["wordpress", "wordpress-classic"])
def test_wordpress_launches_behind_either_gate(account: Account, name: str) -> None:
    template = (LAMBDAS / "samples" / f"{name}.yaml").read_text("utf-8")
    stack_id = account.launch(name, template, DBPassword="s3cretpassword")
    launch = account.message(stack_id, kind="launch", event="Create")
    password = next(p for p in launch["parameters"] if p["name"] == "DBPassword")
    assert (password["value"], password["no_echo"]) == ("****", True)
    assert launch["gate"]["receipt"] is (name == "wordpress")
    assert launch["template"]["resource_types"]["AWS::RDS::DBInstance"] == 1
    signal(launch, data=account.receipt(launch) if name == "wordpress" else "approved")
    assert account.ended(stack_id)["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack_id)


def test_a_wait_url_of_another_stack_is_refused_in_words(account: Account, sample: str) -> None:
    url = "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/elsewhere"
    stack_id = account.launch("elsewhere", sample.replace("WaitUrl: !Ref ApprovalHandleV1", f"WaitUrl: {url}"))
    assert account.ended(stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Approval cannot be asked for. The WaitUrl is not one of this stack." in account.reasons(stack_id)
