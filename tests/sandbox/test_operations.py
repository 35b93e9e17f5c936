"""Stack operations that are interrupted, updated or undone."""

import json

import pytest

from tests.sandbox.gate import Gate, send, signal

PARAMETER = [{"ParameterKey": "Size", "ParameterValue": "large"}]


@pytest.fixture
def standing(gate: Gate) -> str:
    """A stack that was approved."""
    stack, url = gate.waiting()
    send(url, signal())
    assert gate.ended(stack)["StackStatus"] == "CREATE_COMPLETE"
    return stack


def update(gate: Gate, stack: str, suffix: str) -> str:
    """Update to a version with a new gate; the new wait URL."""
    gate.cloudformation.update_stack(StackName=stack, TemplateBody=json.dumps(gate.template(suffix)))
    return gate.wait_url(stack, suffix)


def test_deleting_a_waiting_stack_ends_the_wait_at_once(gate: Gate) -> None:
    stack, url = gate.waiting()
    gate.cloudformation.delete_stack(StackName=stack)
    assert gate.ended(stack, 3)["StackStatus"] == "DELETE_COMPLETE"
    story = [(name, status) for name, status, _ in gate.story(stack)]
    assert story[-1] == ("stack", "DELETE_COMPLETE")
    assert ("Request", "DELETE_COMPLETE") in story
    assert ("stack", "ROLLBACK_IN_PROGRESS") not in story
    assert send(url, signal()).status == 200
    assert gate.stack(stack)["StackStatus"] == "DELETE_COMPLETE"


def test_update_with_a_new_gate_waits_again_and_cleans_up_the_old_one(gate: Gate, standing: str) -> None:
    url = update(gate, standing, "2")
    before = len(gate.story(standing))
    assert gate.stack(standing)["StackStatus"] == "UPDATE_IN_PROGRESS"
    send(url, signal(Data="again"))
    ended = gate.ended(standing)
    assert (ended["StackStatus"], json.loads(ended["Outputs"][0]["OutputValue"])) == (
        "UPDATE_COMPLETE",
        {"u1": "again"},
    )
    assert [(name, status) for name, status, _ in gate.story(standing)[before:]] == [
        ("Wait2", "CREATE_COMPLETE"),
        ("stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Wait", "DELETE_IN_PROGRESS"),
        ("Wait", "DELETE_COMPLETE"),
        ("Handle", "DELETE_IN_PROGRESS"),
        ("Handle", "DELETE_COMPLETE"),
        ("stack", "UPDATE_COMPLETE"),
    ]
    listed = gate.cloudformation.list_stack_resources(StackName=standing)["StackResourceSummaries"]
    assert {r["LogicalResourceId"] for r in listed} == {"Handle2", "Request", "Wait2", "Topic"}


def test_update_tells_only_of_resources_that_change(gate: Gate, standing: str) -> None:
    send(update(gate, standing, "2"), signal())
    gate.ended(standing)
    story = [(name, status) for name, status, _ in gate.story(standing)]
    assert ("Topic", "UPDATE_COMPLETE") not in story
    assert ("Request", "UPDATE_COMPLETE") in story
    assert ("Handle2", "CREATE_COMPLETE") in story


def test_rejected_update_goes_back_to_what_stood(gate: Gate, standing: str) -> None:
    send(update(gate, standing, "2"), signal("FAILURE", Reason="no"))
    ended = gate.ended(standing)
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    listed = gate.cloudformation.list_stack_resources(StackName=standing)["StackResourceSummaries"]
    assert {r["LogicalResourceId"] for r in listed} == {"Handle", "Request", "Wait", "Topic"}
    assert "Handle2" not in json.dumps(gate.cloudformation.get_template(StackName=standing)["TemplateBody"])


def test_cancelled_update_does_not_wait_for_its_approver(gate: Gate, standing: str) -> None:
    update(gate, standing, "2")
    gate.cloudformation.cancel_update_stack(StackName=standing)
    assert gate.ended(standing, 3)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert ("Wait2", "CREATE_FAILED", "Resource update cancelled") in gate.story(standing)


def test_update_of_a_parameter_nobody_uses_asks_nobody(gate: Gate, standing: str) -> None:
    gate.cloudformation.update_stack(StackName=standing, UsePreviousTemplate=True, Parameters=PARAMETER)
    assert gate.ended(standing)["StackStatus"] == "UPDATE_COMPLETE"


def test_many_stacks_wait_at_once(gate: Gate) -> None:
    template = gate.template()
    del template["Resources"]["Request"], template["Resources"]["Wait"]["DependsOn"]
    stacks = [gate.create(template) for _ in range(40)]
    for stack in stacks:
        assert send(gate.wait_url(stack), signal()).status == 200
    assert {gate.ended(stack)["StackStatus"] for stack in stacks} == {"CREATE_COMPLETE"}
    for stack in stacks:
        gate.cloudformation.delete_stack(StackName=stack)
