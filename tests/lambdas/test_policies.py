"""The two policies we ship beside the templates: what they stop, what they leave, and that AWS takes them."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import cfnlint.data  # type: ignore[import-untyped]
import pytest

from tests.lambdas.resolving import LAMBDAS, Call, Stack, judged, listed

SCP_LIMIT, MANAGED_LIMIT = 5_120, 6_144
SERVICES: dict[str, Any] = json.loads(
    (Path(cfnlint.data.__file__).parent / "AdditionalSpecs" / "Policies.json").read_text("utf-8")
)
ADMIN = "arn:aws:iam::444455556666:role/administrator"
EXEMPT = ["arn:aws:iam::444455556666:role/gatehouse-deploy", "arn:aws:iam::444455556666:role/stacksets-exec-0123456789"]
ARNS = {
    "Function": "arn:aws:lambda:eu-west-1:444455556666:function:gatehouse-verify",
    "Topic": "arn:aws:sns:eu-west-1:444455556666:gatehouse-launches",
    "Rule": "arn:aws:events:eu-west-1:444455556666:rule/gatehouse-stacks",
    "Queue": "arn:aws:sqs:eu-west-1:444455556666:gatehouse-failures",
    "Role": "arn:aws:iam::444455556666:role/gatehouse-verify-eu-west-1",
    "Stack": "arn:aws:cloudformation:eu-west-1:444455556666:stack/StackSet-gatehouse-spoke-0a1b/0c2d",
    "Table": "arn:aws:dynamodb:eu-west-1:444455556666:table/gatehouse-decisions",
    "Bucket": "arn:aws:s3:::gatehouse-hub-templatebucket-0a1b2c3d",
    "Object": "arn:aws:s3:::gatehouse-hub-templatebucket-0a1b2c3d/gatehouse/0a1b.yaml",
    "Alarm": "arn:aws:cloudwatch:eu-west-1:444455556666:alarm:gatehouse-notify-errors",
}
PRODUCT = "arn:aws:cloudformation:eu-west-1:444455556666:stack/SC-444455556666-pp-abcdefghijklm/3a1b"


def policy(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((LAMBDAS / "policies" / f"{name}.json").read_text("utf-8"))["Statement"]
    return found


SCP, END_USER = policy("scp"), policy("end-user")


def matching(action: str) -> list[str]:
    """The actions AWS has that the pattern means."""
    service, _, name = action.partition(":")
    return [known for known in SERVICES[service]["Actions"] if fnmatchcase(known, name.lower())]


@pytest.mark.parametrize("statement", SCP + END_USER, ids=lambda statement: statement["Sid"])
def test_every_action_is_one_that_aws_has(statement: dict[str, Any]) -> None:
    actions = listed(statement["Action"])
    assert [action for action in actions if not matching(action)] == []
    assert len(actions) == len(set(actions))


def test_aws_takes_them_for_their_size() -> None:
    whole = {name: (LAMBDAS / "policies" / f"{name}.json").read_text("utf-8") for name in ("scp", "end-user")}
    # As it stands in the file: the console counts white space.
    assert len(whole["scp"]) <= SCP_LIMIT
    assert len(whole["end-user"]) <= MANAGED_LIMIT


@pytest.mark.parametrize(
    ("action", "about"),
    [
        ("lambda:UpdateFunctionCode", "Function"),
        ("lambda:UpdateFunctionConfiguration", "Function"),
        ("lambda:AddPermission", "Function"),
        ("lambda:PutFunctionConcurrency", "Function"),
        ("lambda:PutFunctionEventInvokeConfig", "Function"),
        ("lambda:DeleteFunction", "Function"),
        ("lambda:CreateFunctionUrlConfig", "Function"),
        ("sns:SetTopicAttributes", "Topic"),
        ("sns:Subscribe", "Topic"),
        ("sns:DeleteTopic", "Topic"),
        ("events:DisableRule", "Rule"),
        ("events:RemoveTargets", "Rule"),
        ("sqs:SetQueueAttributes", "Queue"),
        ("iam:PassRole", "Role"),
        ("iam:UpdateAssumeRolePolicy", "Role"),
        ("iam:PutRolePolicy", "Role"),
        ("cloudformation:UpdateStack", "Stack"),
        ("cloudformation:DeleteStack", "Stack"),
        ("dynamodb:PutResourcePolicy", "Table"),
        ("dynamodb:CreateBackup", "Table"),
        ("dynamodb:ExportTableToPointInTime", "Table"),
        ("dynamodb:EnableKinesisStreamingDestination", "Table"),
        ("s3:DeleteBucket", "Bucket"),
        ("s3:DeleteBucketPolicy", "Bucket"),
        ("s3:PutBucketPolicy", "Bucket"),
        ("s3:PutBucketVersioning", "Bucket"),
        ("s3:PutBucketPublicAccessBlock", "Bucket"),
        ("s3:PutLifecycleConfiguration", "Bucket"),
        ("s3:PutEncryptionConfiguration", "Bucket"),
        ("s3:DeleteObject", "Object"),
        ("s3:DeleteObjectVersion", "Object"),
        ("s3:DeleteObjectTagging", "Object"),
        ("cloudwatch:DeleteAlarms", "Alarm"),
        ("cloudwatch:DisableAlarmActions", "Alarm"),
    ],
)
def test_only_the_deployment_changes_what_is_gatehouses(action: str, about: str) -> None:
    assert judged(SCP, Call(action, ARNS[about], ADMIN)) == "Deny"
    assert [judged(SCP, Call(action, ARNS[about], role)) for role in EXEMPT] == ["", ""]


@pytest.mark.parametrize("role", EXEMPT)
def test_nobody_makes_himself_the_deployment_role(role: str) -> None:
    for action in ("iam:CreateRole", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy"):
        assert judged(SCP, Call(action, role, ADMIN)) == "Deny"


def test_keys_behind_our_aliases_are_kept_and_others_are_left_alone() -> None:
    key = "arn:aws:kms:eu-west-1:444455556666:key/0a1b"
    ours, other = {"kms:ResourceAliases": ["alias/gatehouse-signing"]}, {"kms:ResourceAliases": ["alias/payroll"]}
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:CreateGrant"):
        assert judged(SCP, Call(action, key, ADMIN, context=ours)) == "Deny"
        assert judged(SCP, Call(action, key, ADMIN, context=other)) == ""
    assert (
        judged(SCP, Call("kms:UpdateAlias", "arn:aws:kms:eu-west-1:444455556666:alias/gatehouse-data", ADMIN)) == "Deny"
    )


def test_what_the_functions_and_the_desk_do_every_day_is_not_touched() -> None:
    wanted = {"EmailDecisions": "yes", "AdminEmail": "a@example.com", "AllowPublishing": "yes", "WorkerRoleArn": ADMIN}
    wanted |= {"AllowFiles": "yes", "ReplyDomain": "reply.example.com"}
    stack = Stack("template", wanted)
    for name, body in stack.resources.items():
        if body["Type"] not in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
            continue
        for statement in stack.policy(name):
            for action in listed(statement["Action"]):
                for resource in listed(statement.get("Resource", [])):
                    assert judged(SCP, Call(action, resource, ADMIN)) == "", (name, action)


def test_things_of_others_are_not_touched() -> None:
    for arn in ARNS.values():
        for statement in SCP:
            for action in listed(statement["Action"]):
                assert judged(SCP, Call(action, arn.replace("gatehouse", "payroll"), ADMIN)) == ""


READS = [
    "DescribeStackEvents",
    "DescribeEvents",
    "ListStackResources",
    "DescribeStackResource",
    "DescribeStackResources",
    "DescribeStackResourceDrifts",
    "DescribeChangeSet",
    "SignalResource",
]


@pytest.mark.parametrize("action", READS)
def test_an_end_user_sees_no_wait_url_whatever_else_he_was_given(action: str) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for stack in (PRODUCT, PRODUCT.replace("stack/SC-", "stack/StackSet-SC-")):
        assert judged([*END_USER, everything], Call(f"cloudformation:{action}", stack, ADMIN)) == "Deny"
    other = PRODUCT.replace("SC-444455556666-pp-abcdefghijklm", "my-own")
    assert judged([*END_USER, everything], Call(f"cloudformation:{action}", other, ADMIN)) == "Allow"


def test_an_end_user_launches_and_sees_what_is_his_own() -> None:
    own = {"servicecatalog:userLevel": "self"}
    for action in ("SearchProducts", "ProvisionProduct", "DescribeProvisioningParameters"):
        assert judged(END_USER, Call(f"servicecatalog:{action}", "*", ADMIN)) == "Allow"
    for action in ("DescribeRecord", "UpdateProvisionedProduct", "TerminateProvisionedProduct"):
        assert judged(END_USER, Call(f"servicecatalog:{action}", "*", ADMIN, context=own)) == "Allow"
        assert judged(END_USER, Call(f"servicecatalog:{action}", "*", ADMIN)) == ""


def test_an_end_user_is_given_nothing_of_cloudformation() -> None:
    allowed = {action for s in END_USER if s["Effect"] == "Allow" for action in listed(s["Action"])}
    assert {action.partition(":")[0] for action in allowed} == {"servicecatalog"}
