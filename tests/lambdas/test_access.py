"""Who may do what with the hub and a spoke: every statement has its reason, and the refusals refuse."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from tests.lambdas.resolving import ACCOUNT, LAMBDAS, REGION, Call, Stack, judged, listed
from tests.lambdas.test_template import SPOKE

WORKER, INTAKE, ADMIN = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("worker", "intake", "administrator"))
ORGANIZATION = "o-a1b2c3d4e5"
EVERYTHING = {
    "DeskUrl": "https://desk.example.com",
    "AdminEmail": "a@example.com",
    "EmailDecisions": "yes",
    "OrganizationId": ORGANIZATION,
    "AllowedAccounts": "444455556666,777788889999",
    "WorkerRoleArn": WORKER,
    "DeskRoleArns": INTAKE,
    "SigningKeys": "AB",
    "AllowPublishing": "yes",
    "AllowFiles": "yes",
    "ReplyDomain": "reply.example.com",
    "PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
}
SPOKE_EVERYTHING = SPOKE | {
    "DeskRoleArn": INTAKE,
    "ExternalId": "one-installation",
    "PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
}
HUB_STACK, SPOKE_STACK = Stack("template", EVERYTHING), Stack("spoke", SPOKE_EVERYTHING)
EACH = pytest.mark.parametrize("made", [HUB_STACK, SPOKE_STACK], ids=["hub", "spoke"])
IN_ORGANIZATION = {"aws:SourceOrgID": ORGANIZATION, "aws:PrincipalOrgID": ORGANIZATION}


def topic(account: str, name: str = "gatehouse-launches") -> str:
    return f"arn:aws:sns:eu-west-1:{account}:{name}"


# What holds everywhere


@EACH
def test_nobody_at_large_is_allowed_anything(made: Stack) -> None:
    open_ = [s for _, s in made.statements() if s["Effect"] == "Allow" and "*" in principals(s)]
    # AWS knows an organization only as a condition on everybody: its roles check signatures, and only as verify, and
    # its launch roles read the templates of products.
    ours = {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}
    verify = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/gatehouse-verify-*"}}
    expected = {
        "SpokesOfTheOrganizationVerify": ("kms:Verify", ours | verify),
        "LaunchesOfTheOrganizationRead": (["s3:GetObject", "s3:GetObjectVersion"], ours),
    }
    for statement in open_:
        assert (statement["Action"], statement["Condition"]) == expected[statement["Sid"]]
    assert not any("*" in principals(s) for _, s in Stack("template").statements() if s["Effect"] == "Allow")


def principals(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", [])
    return listed(principal.get("AWS", [])) if isinstance(principal, dict) else listed(principal)


@EACH
def test_every_service_is_held_to_a_source_that_is_ours(made: Stack) -> None:
    for name, statement in made.statements():
        services = listed(statement.get("Principal", {}).get("Service", [])) if statement["Effect"] == "Allow" else []
        if not services or services == ["lambda.amazonaws.com"]:
            continue
        keys = {key for condition in statement.get("Condition", {}).values() for key in condition}
        # EventBridge names no source to KMS (aws-facts): the one exception.
        assert "aws:SourceArn" in keys or (name, services) == ("DataKey", ["events.amazonaws.com"]), (name, statement)


@EACH
def test_every_role_can_be_bounded(made: Stack) -> None:
    roles = [body for body in made.resources.values() if body["Type"] == "AWS::IAM::Role"]
    assert roles
    assert {role["Properties"]["PermissionsBoundary"] for role in roles} == {EVERYTHING["PermissionsBoundary"]}
    unbound = Stack(made.name, {k: v for k, v in made.given.items() if k != "PermissionsBoundary"})
    assert not any("PermissionsBoundary" in body["Properties"] for body in unbound.resources.values())


@EACH
def test_a_function_is_invoked_by_its_own_rules_and_api_only(made: Stack) -> None:
    permissions = {n: b["Properties"] for n, b in made.resources.items() if b["Type"] == "AWS::Lambda::Permission"}
    sources = {name: p["SourceArn"] for name, p in permissions.items()}
    assert sources.pop("StackRulePermission") == made.arn("StackRule")
    assert sources.pop("GateRulePermission") == made.arn("GateRule")
    if made is HUB_STACK:
        assert sources.pop("ApiPermission").startswith(f"arn:aws:execute-api:{REGION}:{ACCOUNT}:")
    assert sources == {}
    assert {p["Principal"] for p in permissions.values()} <= {"events.amazonaws.com", "apigateway.amazonaws.com"}


@EACH
def test_every_statement_has_a_name_of_its_own(made: Stack) -> None:
    names = [(name, statement.get("Sid")) for name, statement in made.statements()]
    assert all(sid for _, sid in names)
    assert len(names) == len(set(names))


# The topic


@EACH
def test_only_the_functions_publish_and_only_encrypted(made: Stack) -> None:
    policy, where = made.policy("TopicPolicy"), made.arn("Topic")
    roles = [role for role in ("NotifyRole", "VerifyRole", "ApproveRole") if role in made.resources]
    for role in roles:
        call = Call("sns:Publish", where, made.arn(role))
        assert judged(policy, call) == "Allow"
        plain = Call("sns:Publish", where, made.arn(role), context={"aws:SecureTransport": "false"})
        assert judged(policy, plain) == "Deny"
    for somebody in (ADMIN, WORKER, "arn:aws:iam::444455556666:role/gatehouse-notify-us-east-1"):
        assert judged(policy, Call("sns:Publish", where, somebody)) == "Deny"


@EACH
def test_nobody_but_the_desk_and_its_administrators_listens(made: Stack) -> None:
    policy, where = made.policy("TopicPolicy"), made.arn("Topic")
    subscriptions = [b for b in made.resources.values() if b["Type"] == "AWS::SNS::Subscription"]
    ours = {b["Properties"]["Endpoint"] for b in subscriptions if b["Properties"]["TopicArn"] == where}
    for endpoint in ours:
        assert judged(policy, Call("sns:Subscribe", where, ADMIN, context={"sns:Endpoint": endpoint})) == ""
    for endpoint in ("eve@example.com", "arn:aws:sqs:us-east-1:111122223333:mine"):
        assert judged(policy, Call("sns:Subscribe", where, ADMIN, context={"sns:Endpoint": endpoint})) == "Deny"
    waits = [b["DependsOn"] for b in subscriptions if b["Properties"]["TopicArn"] == where]
    assert all("TopicPolicy" in listed(one) for one in waits), "the policy knows a new endpoint first"


# The queues and the data key


@pytest.mark.parametrize(("name", "queue"), [("QueuePolicy", "Queue"), ("DataKey", "")])
@pytest.mark.parametrize(
    ("source", "context", "verdict"),
    [
        (HUB_STACK.arn("Topic"), {}, "Allow"),
        (topic("444455556666"), {}, "Allow"),
        (topic("777788889999"), {}, "Allow"),
        (topic("222233334444"), {}, ""),
        (topic("222233334444"), IN_ORGANIZATION, "Allow"),
        (topic("222233334444"), {"aws:SourceOrgID": "o-stranger00"}, ""),
        (topic("444455556666", "other-topic"), IN_ORGANIZATION, ""),
    ],
)
def test_topics_of_our_accounts_reach_the_queue_and_its_key_and_no_others(
    name: str, queue: str, source: str, context: dict[str, str], verdict: str
) -> None:
    actions = ["sqs:SendMessage"] if queue else ["kms:Decrypt", "kms:GenerateDataKey"]
    where = HUB_STACK.arn(queue) if queue else "*"
    for action in actions:
        call = Call(action, where, service="sns.amazonaws.com", context={"aws:SourceArn": source, **context})
        assert judged(HUB_STACK.policy(name), call) == verdict


def test_a_hub_for_one_account_hears_no_other() -> None:
    alone = Stack("template")
    call = Call(
        "sqs:SendMessage",
        alone.arn("Queue"),
        service="sns.amazonaws.com",
        context={"aws:SourceArn": topic("444455556666"), **IN_ORGANIZATION},
    )
    assert judged(alone.policy("QueuePolicy"), call) == ""


@pytest.mark.parametrize("queue", ["Queue", "DeadLetters", "Failures"])
@pytest.mark.parametrize(
    ("given", "readers"),
    [
        ({"WorkerRoleArn": WORKER}, {WORKER}),
        ({"DeskRoleArns": f"{INTAKE},{WORKER}"}, {INTAKE, WORKER}),
        ({"DeskRoleArns": INTAKE, "WorkerRoleArn": WORKER}, {INTAKE, WORKER}),
    ],
)
def test_the_queues_are_read_by_the_desk_only(queue: str, given: dict[str, str], readers: set[str]) -> None:
    made = Stack("template", given)
    policy, where = made.policy(f"{queue}Policy"), made.arn(queue)
    for action, who in itertools.product(("sqs:ReceiveMessage", "sqs:DeleteMessage"), (WORKER, INTAKE, ADMIN)):
        assert judged(policy, Call(action, where, who)) == ("" if who in readers else "Deny")
    plain = Call("sqs:ReceiveMessage", where, WORKER, context={"aws:SecureTransport": "false"})
    assert judged(policy, plain) == "Deny"


def test_what_failed_in_a_spoke_is_read_by_nobody() -> None:
    for who in (ADMIN, SPOKE_STACK.arn("ReaderRole")):
        call = Call("sqs:ReceiveMessage", SPOKE_STACK.arn("Failures"), who)
        assert judged(SPOKE_STACK.policy("FailuresPolicy"), call) == "Deny"


def test_decisions_are_touched_by_two_functions_and_the_worker() -> None:
    table, policy = HUB_STACK.arn("Decisions"), HUB_STACK.policy("Decisions")
    for action in ("GetItem", "Scan", "Query", "PutItem", "UpdateItem", "DeleteItem", "PartiQLSelect"):
        assert judged(policy, Call(f"dynamodb:{action}", table, ADMIN)) == "Deny"
        for who in (HUB_STACK.arn("NotifyRole"), HUB_STACK.arn("ApproveRole"), WORKER):
            assert judged(policy, Call(f"dynamodb:{action}", table, who)) == ""


# The keys that sign


@pytest.mark.parametrize("key", ["SigningKey", "SigningKeyB"])
def test_nobody_but_the_worker_signs_once_its_role_is_named(key: str) -> None:
    policy = HUB_STACK.policy(key)
    assert judged(policy, Call("kms:Sign", "*", WORKER)) == "Allow"
    for who in (ADMIN, INTAKE, HUB_STACK.arn("ApproveRole"), f"arn:aws:iam::{ACCOUNT}:root"):
        assert judged(policy, Call("kms:Sign", "*", who)) == "Deny"
    assert judged(Stack("template").policy("SigningKey"), Call("kms:Sign", "*", ADMIN)) == "Allow", "IAM decides"


def test_only_approve_signs_what_was_decided_by_mail() -> None:
    policy = HUB_STACK.policy("EmailKey")
    assert judged(policy, Call("kms:Sign", "*", HUB_STACK.arn("ApproveRole"))) == "Allow"
    for who in (ADMIN, WORKER, HUB_STACK.arn("NotifyRole")):
        assert judged(policy, Call("kms:Sign", "*", who)) == "Deny"
    spoke = "arn:aws:iam::444455556666:role/gatehouse-verify-eu-west-1"
    assert judged(policy, Call("kms:Verify", "*", spoke, context=IN_ORGANIZATION)) == ""


@pytest.mark.parametrize("key", ["SigningKey", "SigningKeyB"])
@pytest.mark.parametrize(
    ("account", "role", "context", "verdict"),
    [
        ("444455556666", "gatehouse-verify-eu-west-1", {}, "Allow"),
        ("444455556666", "administrator", IN_ORGANIZATION, ""),
        ("222233334444", "gatehouse-verify-eu-west-1", {}, ""),
        ("222233334444", "gatehouse-verify-eu-west-1", IN_ORGANIZATION, "Allow"),
    ],
)
def test_a_spokes_verify_checks_signatures_and_does_nothing_else(
    key: str, account: str, role: str, context: dict[str, str], verdict: str
) -> None:
    who, policy = f"arn:aws:iam::{account}:role/{role}", HUB_STACK.policy(key)
    assert judged(policy, Call("kms:Verify", "*", who, context=context)) == verdict
    for action in ("kms:DescribeKey", "kms:PutKeyPolicy", "kms:CreateGrant"):
        assert judged(policy, Call(action, "*", who, context=context)) == ""
    # No statement for spokes reaches kms:Sign, and the worker's refusal covers it besides.
    assert judged(policy, Call("kms:Sign", "*", who, context=context)) == "Deny"


def test_only_the_worker_asks_about_launch_roles() -> None:
    asked = Call("iam:SimulatePrincipalPolicy", f"arn:aws:iam::{ACCOUNT}:role/Launch", WORKER)
    assert judged(HUB_STACK.policy("DeskWorker"), asked) == "Allow"
    for of_the_web in ("DeskReads", "DeskCommon"):
        assert judged(HUB_STACK.policy(of_the_web), asked) == ""


# The desk in a spoke


def test_the_reading_role_is_taken_with_the_external_id_and_reads_product_stacks() -> None:
    role = SPOKE_STACK.policy("ReaderRole")
    trust = [s for s in role if "Principal" in s]
    named = {"sts:ExternalId": "one-installation"}
    assert judged(trust, Call("sts:AssumeRole", "*", INTAKE, context=named)) == "Allow"
    assert judged(trust, Call("sts:AssumeRole", "*", INTAKE)) == ""
    assert judged(trust, Call("sts:AssumeRole", "*", INTAKE, context={"sts:ExternalId": "another"})) == ""
    assert judged(trust, Call("sts:AssumeRole", "*", ADMIN, context=named)) == ""
    granted = {action for s in role if "Resource" in s for action in listed(s["Action"])}
    assert all(
        re.match(r"\w+:(Describe|Estimate|Get|List|Lookup|Filter|Search|Simulate)", action) for action in granted
    )
    assert "ReaderRole" not in Stack("spoke", SPOKE).resources


def test_reading_without_an_external_id_is_refused_before_anything_is_made() -> None:
    (rule,) = SPOKE_STACK.template["Rules"].values()
    asked = Stack("spoke", SPOKE | {"DeskRoleArn": INTAKE})
    assert asked.resolve(rule["RuleCondition"])
    assert not asked.resolve(rule["Assertions"][0]["Assert"])
    assert SPOKE_STACK.resolve(rule["Assertions"][0]["Assert"])


# Publishing


def test_only_the_worker_publishes_and_only_where_it_was_allowed() -> None:
    trust = [s for s in HUB_STACK.policy("PublisherRole") if "Principal" in s]
    assert judged(trust, Call("sts:AssumeRole", "*", WORKER)) == "Allow"
    assert judged(trust, Call("sts:AssumeRole", "*", INTAKE)) == ""
    assert judged(trust, Call("sts:AssumeRole", "*", ADMIN)) == ""
    without = Stack("template", EVERYTHING | {"AllowPublishing": "no"})
    assert not {"PublisherRole", "TemplateBucket", "TemplateBucketPolicy"} & without.resources.keys()
    assert "sts:AssumeRole" not in {action for s in without.policy("DeskWorker") for action in listed(s["Action"])}
    changing = {
        action
        for s in HUB_STACK.policy("PublisherRole")
        if "Resource" in s
        for action in listed(s["Action"])
        if not re.match(r"\w+:(Describe|Get|List|Search|Validate)", action)
    }
    assert changing == {
        "servicecatalog:CreateProvisioningArtifact",
        "servicecatalog:UpdateProvisioningArtifact",
        "s3:PutObject",
        "s3:PutObjectTagging",
    }


def test_nobody_exchanges_a_template_that_launches_read() -> None:
    policy = HUB_STACK.policy("TemplateBucketPolicy")
    one = "arn:aws:s3:::TemplateBucket/gatehouse/0.yaml"
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        for who in (ADMIN, WORKER, INTAKE):
            assert judged(policy, Call(action, one, who)) == "Deny"
        assert judged(policy, Call(action, one, HUB_STACK.arn("PublisherRole"))) == ""
    launcher = "arn:aws:iam::444455556666:role/Launch"
    assert judged(policy, Call("s3:GetObjectVersion", one, launcher)) == "Allow"
    assert judged(policy, Call("s3:GetObject", one, launcher, context={"aws:SecureTransport": "false"})) == "Deny"
    alone = Stack("template", {"AllowPublishing": "yes", "WorkerRoleArn": WORKER}).policy("TemplateBucketPolicy")
    assert judged(alone, Call("s3:GetObject", one, launcher)) == ""
    body = HUB_STACK.resources["TemplateBucket"]
    bucket = body["Properties"]
    assert "BucketName" not in bucket, "or it could not be made again beside one that stayed"
    for kept in (body, HUB_STACK.resources["TemplateBucketPolicy"]):
        assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


# Files and mails of conversations


def test_files_are_touched_by_the_desk_alone() -> None:
    policy, one = HUB_STACK.policy("FilesBucketPolicy"), "arn:aws:s3:::FilesBucket/files/2026/11/23/x"
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert judged(policy, Call(action, one, ADMIN)) == "Deny"
        for role in (WORKER, INTAKE):
            assert judged(policy, Call(action, one, role)) == ""
            assert judged(HUB_STACK.policy("DeskFiles"), Call(action, one, role)) == "Allow"
            assert judged(policy, Call(action, one, role, context={"aws:SecureTransport": "false"})) == "Deny"
    assert judged(HUB_STACK.policy("DeskFiles"), Call("s3:GetObject", "arn:aws:s3:::FilesBucket/other", WORKER)) == ""


@pytest.mark.parametrize("name", ["FilesBucket", "MailBucket"])
def test_buckets_of_conversations_are_private_encrypted_and_stay(name: str) -> None:
    body = HUB_STACK.resources[name]
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert "BucketName" not in body["Properties"], "or it could not be made again beside one that stayed"
    assert set(body["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AES256" in str(body["Properties"]["BucketEncryption"])
    assert body["Properties"]["LifecycleConfiguration"]["Rules"]


def test_mails_are_stored_and_announced_by_ses_and_read_by_the_worker() -> None:
    policy, one = HUB_STACK.policy("MailBucketPolicy"), "arn:aws:s3:::MailBucket/inbound/x"
    for role in (ADMIN, INTAKE):
        assert judged(policy, Call("s3:GetObject", one, role)) == "Deny"
    assert judged(policy, Call("s3:GetObject", one, WORKER)) == ""
    assert judged(HUB_STACK.policy("DeskWorker"), Call("s3:GetObject", one, WORKER)) == "Allow"
    announced, where = HUB_STACK.policy("MailTopicPolicy"), HUB_STACK.arn("MailTopic")
    person = {"aws:PrincipalIsAWSService": "false"}
    assert judged(announced, Call("sns:Publish", where, ADMIN, context=person)) == "Deny"
    assert judged(announced, Call("sns:Subscribe", where, ADMIN, context={"sns:Endpoint": "eve@e.example"})) == "Deny"


def test_files_and_replies_leave_no_trace_when_they_are_off() -> None:
    without = Stack("template", EVERYTHING | {"AllowFiles": "no", "ReplyDomain": ""})
    assert not [name for name in without.resources if name.startswith(("Files", "Mail", "Reply", "DeskFiles"))]
    assert not [s for _, s in without.statements() if s["Sid"].startswith(("MailTopic", "MailIs"))]
    local = Stack("template", EVERYTHING | {"DevelopmentOrigin": "http://localhost:4566"})
    assert not {"ReplyRule", "ReplyRuleSet"} & local.resources.keys()


# The table in the threat model


def test_the_threat_model_gives_a_reason_for_every_statement() -> None:
    text = (LAMBDAS.parent / "docs" / "threat-model.md").read_text("utf-8")
    section = text.split("## IAM, statement by statement")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:2] == "| "]
    told = {(where.strip(), name, sid) for wheres, name, sid, *_ in rows[1:] for where in wheres.split(",")}
    assert all(len(row) == 5 and row[3] and row[4].endswith(".") for row in rows[1:])
    stacks = {"hub": HUB_STACK, "spoke": SPOKE_STACK}
    assert told == {(where, name, s["Sid"]) for where, made in stacks.items() for name, s in made.statements()}
