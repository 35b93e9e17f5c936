"""The templates hold the code that was reviewed, in every combination of parameters what the design asks for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambdas import build
from tests.lambdas.resolving import LAMBDAS, Stack, listed

BOTH = pytest.mark.parametrize("name", build.TEMPLATES)
HUB = {"AdminEmail": "amir@example.com"}
SPOKE = {
    "HubAccount": "111122223333",
    "HubRegion": "eu-west-1",
    "SigningKeyArns": "arn:aws:kms:eu-west-1:111122223333:key/a,arn:aws:kms:eu-west-1:111122223333:key/b",
}
BY_MAIL = HUB | {"EmailDecisions": "yes"}
FUNCTIONS = [("template", name) for name in ("Notify", "Verify", "Approve")] + [
    ("spoke", name) for name in ("Notify", "Verify")
]
EACH_FUNCTION = pytest.mark.parametrize(("name", "function"), FUNCTIONS)


@cache
def stack(name: str) -> Stack:
    """The template with everything in it."""
    return Stack(name, BY_MAIL if name == "template" else SPOKE)


def inlined(name: str, function: str) -> str:
    """The function's code as CloudFormation puts it together."""
    return str(stack(name).resources[function]["Properties"]["Code"]["ZipFile"])


def sources(name: str, function: str) -> list[str]:
    """The modules of a function, in their order in the template."""
    parts = build.parts((LAMBDAS / f"{name}.source.yaml").read_text("utf-8"))
    wanted = {"Verify": ["Shared", "Verify"]}.get(function, ["Shared", "Decisions", function])
    return [path for part in wanted for path in parts[part]]


def statements(source: str) -> list[str]:
    """Every statement, without imports of our own modules."""
    return [
        ast.dump(node)
        for node in ast.parse(source).body
        if not (isinstance(node, ast.ImportFrom) and str(node.module).startswith("lambdas."))
    ]


# The code


@EACH_FUNCTION
def test_the_inlined_code_is_the_code_in_the_repository(name: str, function: str) -> None:
    files = [(LAMBDAS / path).read_text("utf-8") for path in sources(name, function)]
    assert statements(inlined(name, function)) == [line for source in files for line in statements(source)]


def test_every_module_is_part_of_a_function() -> None:
    present = {str(path.relative_to(LAMBDAS)) for path in LAMBDAS.glob("*/*.py") if path.name != "__init__.py"}
    assert present == {path for name, function in FUNCTIONS for path in sources(name, function) if "/" in path}


@BOTH
def test_the_template_is_ascii(name: str) -> None:
    """CloudFormation gives back a question mark for every other letter."""
    assert (LAMBDAS / f"{name}.yaml").read_text("utf-8").isascii()


@pytest.mark.parametrize("line", ["x = r'…'", "x = b'' if 'é' else rf'{1}§'"])
def test_a_letter_that_no_escape_can_stand_for_is_refused_when_building(line: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        build.alone(line)


@BOTH
def test_the_template_is_freshly_built(name: str) -> None:
    assert (LAMBDAS / f"{name}.yaml").read_text("utf-8") == build.template(name), "run `make lambdas`"


@EACH_FUNCTION
def test_modules_that_become_one_file_have_no_name_in_common(name: str, function: str) -> None:
    names = Counter(defined for path in sources(name, function) for defined in definitions(path))
    assert [defined for defined, times in names.items() if times > 1] == []


def definitions(path: str) -> set[str]:
    found: set[str] = set()
    for node in ast.parse((LAMBDAS / path).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            found |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found


@EACH_FUNCTION
def test_the_inlined_code_runs_on_its_own(name: str, function: str, tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text(inlined(name, function), "utf-8")
    command = [sys.executable, "-c", "import index; print(index.handler.__name__)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "handler\n"


@EACH_FUNCTION
def test_the_inlined_code_imports_the_standard_library_and_boto3_only(name: str, function: str) -> None:
    imported = set()
    for node in ast.walk(ast.parse(inlined(name, function))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).split(".")[0])
    assert imported <= sys.stdlib_module_names | {"boto3", "botocore"}


@pytest.mark.parametrize(
    "line", ["import lambdas.shared", "from lambdas import shared", "from lambdas.shared import log as say"]
)
def test_an_import_that_would_not_survive_is_refused_when_building(line: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        build.ours(line)


@BOTH
def test_the_template_fits_into_a_bucket(name: str) -> None:
    assert len((LAMBDAS / f"{name}.yaml").read_bytes()) < build.BUCKET_LIMIT


@pytest.mark.parametrize("path", sorted(LAMBDAS.glob("samples/*.yaml")), ids=lambda path: path.name)
def test_every_sample_fits_into_one_request(path: Path) -> None:
    assert path.stat().st_size < build.BODY_LIMIT


def test_cfn_lint_finds_nothing() -> None:
    files = [str(LAMBDAS / f"{name}.yaml") for name in build.TEMPLATES]
    files += map(str, sorted(LAMBDAS.glob("samples/*.yaml")))
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, "--include-checks", "I", "--", *files], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
    assert not any("ignore_checks" in Path(file).read_text("utf-8") for file in files)


# Names, and what the stack is asked for


def test_the_names_are_the_ones_everything_else_relies_on() -> None:
    hub = stack("template")
    named = {body["Properties"].get(key) for body in hub.resources.values() for key in PROPERTIES}
    assert named >= {
        "gatehouse-launches",
        "gatehouse-alarms",
        "gatehouse-desk",
        "gatehouse-desk-dead",
        "gatehouse-failures",
        "gatehouse-notify",
        "gatehouse-verify",
        "gatehouse-approve",
        "gatehouse-notify-us-east-1",
        "gatehouse-verify-us-east-1",
        "gatehouse-approve-us-east-1",
        "gatehouse-stacks",
        "gatehouse-gates",
        "gatehouse-decisions",
        "alias/gatehouse-signing",
        "alias/gatehouse-email",
        "alias/gatehouse-data",
    }
    outputs = {"NotifyArn", "VerifyArn", "TopicArn", "QueueUrl", "QueueArn", "DeadLetterQueueUrl", "FailuresQueueUrl"}
    outputs |= {"SigningKeyArn", "AllowedKeys", "DataKeyArn"}
    assert set(Stack("template").outputs) == outputs
    assert set(hub.outputs) == outputs | {"ApproveArn", "ApiUrl", "EmailKeyArn", "DecisionsTable"}
    assert set(stack("spoke").outputs) == {"NotifyArn", "VerifyArn", "TopicArn"}


PROPERTIES = ("TopicName", "QueueName", "FunctionName", "RoleName", "Name", "TableName", "AliasName")


def test_the_mail_of_a_launch_goes_to_every_administrator_and_says_nothing_of_the_rest() -> None:
    emails = {"AdminEmail": "a@example.com", "SecondAdminEmail": "b@example.com", "ThirdAdminEmail": "c@example.com"}
    found = of_type(Stack("template", emails), "AWS::SNS::Subscription")
    mails = [s for s in found if s["Protocol"] == "email" and s["TopicArn"].endswith("gatehouse-launches")]
    assert {s["Endpoint"] for s in mails} == set(emails.values())
    assert all(s["FilterPolicy"] == {"kind": ["launch"]} for s in mails)
    assert {s["Endpoint"] for s in found if s["TopicArn"].endswith("gatehouse-alarms")} == set(emails.values())
    assert [s["Protocol"] for s in of_type(Stack("template"), "AWS::SNS::Subscription")] == ["sqs"]


def of_type(stack: Stack, kind: str) -> list[dict[str, Any]]:
    return [body["Properties"] for body in stack.resources.values() if body["Type"] == kind]


@BOTH
def test_messages_are_signed_encrypted_and_kept_when_they_cannot_be_delivered(name: str) -> None:
    made = Stack(name, {"HttpsEndpoint": "https://desk.example.com/intake/sns/"} if name == "template" else SPOKE)
    assert made.resources["Topic"]["Properties"]["SignatureVersion"] == "2"
    assert all(topic["KmsMasterKeyId"] for topic in of_type(made, "AWS::SNS::Topic"))
    queues = of_type(made, "AWS::SQS::Queue")
    assert all(queue.get("KmsMasterKeyId") or queue.get("SqsManagedSseEnabled") for queue in queues)
    doors = [s for s in of_type(made, "AWS::SNS::Subscription") if s["Protocol"] != "email"]
    assert doors
    dead = "gatehouse-desk-dead" if name == "template" else "gatehouse-failures"
    assert all(door["RedrivePolicy"]["deadLetterTargetArn"].endswith(f":{dead}") for door in doors)
    assert not any(door.get("RawMessageDelivery") for door in doors)


@BOTH
def test_what_a_function_failed_on_is_kept_for_a_day_at_most(name: str) -> None:
    made = stack(name)
    failures = made.resources["Failures"]["Properties"]
    assert failures["MessageRetentionPeriod"] <= 86_400
    configured = {c["FunctionName"]: c for c in of_type(made, "AWS::Lambda::EventInvokeConfig")}
    assert set(configured) == {"Notify", "Verify"}
    for one in configured.values():
        assert one["DestinationConfig"]["OnFailure"]["Destination"] == made.arn("Failures")
        assert one["MaximumEventAgeInSeconds"] <= 3600
    for rule in of_type(made, "AWS::Events::Rule"):
        assert [target["DeadLetterConfig"]["Arn"] for target in rule["Targets"]] == [made.arn("Failures")]


def test_without_a_desk_nothing_lies_in_its_queues_for_long() -> None:
    kept = {
        url: {q["QueueName"]: q["MessageRetentionPeriod"] for q in of_type(Stack("template", {"DeskUrl": url}), QUEUE)}
        for url in ("", "https://desk.example.com")
    }
    assert set(kept[""].values()) == {86_400}
    assert kept["https://desk.example.com"]["gatehouse-desk"] == 1_209_600


QUEUE = "AWS::SQS::Queue"


@EACH_FUNCTION
def test_a_function_has_its_own_log_in_json_and_time_to_answer(name: str, function: str) -> None:
    from lambdas.shared import ATTEMPT_S, PUT_S, RESERVE_S

    properties = stack(name).resources[function]["Properties"]
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    logs = stack(name).resources[properties["LoggingConfig"]["LogGroup"]]["Properties"]
    assert logs["LogGroupName"] == f"/aws/lambda/{properties['FunctionName']}"
    assert properties["Runtime"] == "python3.13"
    if function == "Approve":
        assert properties["Timeout"] < 30, "API Gateway's patience"
    else:
        assert 3 * (ATTEMPT_S + PUT_S + RESERVE_S) < properties["Timeout"] < 300, "the gate's ServiceTimeout"


@EACH_FUNCTION
def test_concurrency_is_reserved_only_when_asked_for(name: str, function: str) -> None:
    given = BY_MAIL if name == "template" else SPOKE
    asked = Stack(name, given | {"ReservedConcurrency": 7}).resources[function]["Properties"]
    assert int(asked["ReservedConcurrentExecutions"]) == 7
    assert "ReservedConcurrentExecutions" not in stack(name).resources[function]["Properties"]


@EACH_FUNCTION
def test_a_function_is_given_the_environment_it_reads_and_no_other(name: str, function: str) -> None:
    read = set(re.findall(r'os\.environ(?:\.get\(|\[)"([A-Z_]+)"', inlined(name, function)))
    assert set(stack(name).resources[function]["Properties"]["Environment"]["Variables"]) == read


def test_decisions_by_mail_leave_no_trace_when_they_are_off() -> None:
    off = Stack("template", HUB)
    added = set(stack("template").resources) - set(off.resources)
    assert {"Approve", "ApproveRole", "EmailKey", "Decisions", "Api", "ApiPermission", "RefusedCodesAlarm"} <= added
    notify = off.resources["Notify"]["Properties"]["Environment"]["Variables"]
    assert (notify["DECISIONS_TABLE"], notify["DECISION_URL"]) == ("", "")
    assert "EmailKey" not in off.resources["Verify"]["Properties"]["Environment"]["Variables"]["ALLOWED_KEYS"]


def test_the_table_is_encrypted_forgets_and_has_no_copies() -> None:
    table = stack("template").resources["Decisions"]["Properties"]
    assert table["SSESpecification"]["KMSMasterKeyId"] == stack("template").arn("DataKey")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_api_has_three_routes_a_limit_and_a_log_without_the_link() -> None:
    made = stack("template")
    routes = {route["RouteKey"] for route in of_type(made, "AWS::ApiGatewayV2::Route")}
    assert routes == {"GET /d/{link}", "HEAD /d/{link}", "POST /d/{link}"}
    (stage,) = of_type(made, "AWS::ApiGatewayV2::Stage")
    assert 0 < stage["DefaultRouteSettings"]["ThrottlingRateLimit"] <= 10
    logged = stage["AccessLogSettings"]["Format"]
    assert "$context.status" in logged
    for told in ("path", "query", "uri", "resourcePath", "pathParameters", "header", "requestOverride"):
        assert told.lower() not in logged.lower()


def test_every_trouble_of_the_hub_rings() -> None:
    alarms = of_type(Stack("template", BY_MAIL | {"DeskUrl": "https://desk.example.com"}), "AWS::CloudWatch::Alarm")
    assert {alarm["AlarmName"] for alarm in alarms} == {
        "gatehouse-notify-errors",
        "gatehouse-verify-errors",
        "gatehouse-approve-errors",
        "gatehouse-dead-letters",
        "gatehouse-failures",
        "gatehouse-queue-age",
        "gatehouse-refused-answers",
        "gatehouse-refused-codes",
    }
    assert all(alarm["AlarmActions"] == [stack("template").arn("Alarms")] for alarm in alarms)
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms)
    counted = {
        (filter_["LogGroupName"], filter_["FilterPattern"])
        for filter_ in of_type(stack("template"), "AWS::Logs::MetricFilter")
    }
    unasked = '{ $.message = "answered" && $.http >= 400 }'
    assert counted == {
        ("ApproveLogs", '{ $.message = "refused" }'),
        ("NotifyLogs", unasked),
        ("VerifyLogs", unasked),
    }
    assert 'log("refused"' in inlined("template", "Approve")
    for function in ("Notify", "Verify"):
        assert 'log("answered", answer=status, http=code' in inlined("template", function)


def test_nobody_is_told_that_a_queue_is_old_which_no_desk_reads() -> None:
    assert "QueueAgeAlarm" not in stack("template").resources


# Keys


@pytest.mark.parametrize(
    ("given", "keys", "signs"),
    [
        ("A", ["SigningKey"], "SigningKey"),
        ("AB", ["SigningKey", "SigningKeyB"], "SigningKeyB"),
        ("B", ["SigningKeyB"], "SigningKeyB"),
        ("BA", ["SigningKey", "SigningKeyB"], "SigningKey"),
    ],
)
def test_signing_keys_rotate_without_a_moment_in_which_a_receipt_is_refused(
    given: str, keys: list[str], signs: str
) -> None:
    made = Stack("template", {"SigningKeys": given})
    arns = [made.arn(key) for key in keys]
    assert made.resources["Verify"]["Properties"]["Environment"]["Variables"]["ALLOWED_KEYS"].split(",") == arns
    assert made.outputs["AllowedKeys"].split(",") == arns
    assert made.outputs["SigningKeyArn"] == made.arn(signs)
    assert made.resources["SigningKeyAlias"]["Properties"]["TargetKeyId"] == signs
    assert made.resources["SelfTest"]["Properties"]["Keys"] == arns
    (may_check,) = [s for s in made.policy("VerifyRole") if s["Sid"] == "CheckSignatures"]
    (may_sign,) = [s for s in made.policy("DeskWorker") if s["Sid"] == "SignReceipts"]
    assert listed(may_check["Resource"]) == listed(may_sign["Resource"]) == arns


@pytest.mark.parametrize(("before", "between", "after"), [("A", "AB", "B"), ("B", "BA", "A")])
def test_between_two_signing_keys_both_are_accepted(before: str, between: str, after: str) -> None:
    old, both, new = (Stack("template", {"SigningKeys": keys}).outputs for keys in (before, between, after))
    assert set(both["AllowedKeys"].split(",")) == {old["SigningKeyArn"], new["SigningKeyArn"]}
    assert both["SigningKeyArn"] == new["SigningKeyArn"] != old["SigningKeyArn"]
    assert new["AllowedKeys"] == new["SigningKeyArn"]


@pytest.mark.parametrize("key", ["SigningKey", "SigningKeyB", "EmailKey"])
def test_a_signing_key_outlives_the_stack(key: str) -> None:
    body = Stack("template", BY_MAIL | {"SigningKeys": "AB"}).resources[key]
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert (body["Properties"]["KeySpec"], body["Properties"]["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")


def test_a_spoke_accepts_the_desk_and_not_the_hubs_mail() -> None:
    hub = stack("template")
    assert hub.arn("EmailKey") in hub.resources["Verify"]["Properties"]["Environment"]["Variables"]["ALLOWED_KEYS"]
    assert hub.arn("EmailKey") not in hub.outputs["AllowedKeys"]
    spoke = stack("spoke").resources
    assert spoke["Verify"]["Properties"]["Environment"]["Variables"]["ALLOWED_KEYS"] == SPOKE["SigningKeyArns"]


@BOTH
def test_deploying_asks_verify_whether_it_can_check_each_key(name: str) -> None:
    made = stack(name)
    test = made.resources["SelfTest"]
    assert test["Type"] == "Custom::GatehouseSelfTest"
    assert test["Properties"]["ServiceToken"] == made.arn("Verify")
    allowed = made.resources["Verify"]["Properties"]["Environment"]["Variables"]["ALLOWED_KEYS"]
    assert ",".join(test["Properties"]["Keys"]) == allowed
    assert made.resources["Verify"]["Properties"]["Timeout"] < test["Properties"]["ServiceTimeout"] <= 300


# Least privilege: a role grants what its function calls


def actions_called(name: str, function: str) -> set[str]:
    """The IAM actions behind every `client("service").method` in the function's code."""
    called = set()
    for node in ast.walk(ast.parse(inlined(name, function))):
        if isinstance(node, ast.Attribute) and is_client(node.value):
            assert isinstance(node.value, ast.Call)
            argument = node.value.args[0]
            assert isinstance(argument, ast.Constant), "a service is named where it is used"
            service: Any = argument.value
            client: Any = boto3.client(service, region_name="us-east-1")
            called.add(f"{service}:{client.meta.method_to_api_mapping[node.attr]}")
    return called


def is_client(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "client"


# Nothing of these stands in the code: Lambda and KMS ask for them on the function's behalf.
BEHIND = {
    "WriteLogs": {"logs:CreateLogStream", "logs:PutLogEvents"},
    "KeepFailedEvents": {"sqs:SendMessage"},
    "EncryptMessages": {"kms:Decrypt", "kms:GenerateDataKey"},
    "EncryptDecisions": {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    },
}


@EACH_FUNCTION
def test_a_role_grants_exactly_what_its_function_calls(name: str, function: str) -> None:
    granted = {s["Sid"]: set(listed(s["Action"])) for s in stack(name).policy(f"{function}Role") if "Resource" in s}
    for sid in BEHIND.keys() & granted.keys():
        assert granted.pop(sid) == BEHIND[sid]
    called = actions_called(name, function)
    if name == "spoke":
        called = {action for action in called if not action.startswith("dynamodb:")}
    # What approve never calls, it has from the module it shares with notify.
    unused = {"dynamodb:PutItem"} if function == "Approve" else {"dynamodb:GetItem"}
    assert set().union(*granted.values()) == called - unused


@EACH_FUNCTION
def test_a_client_is_only_made_where_its_calls_can_be_seen(name: str, function: str) -> None:
    makers = [n for n in ast.walk(ast.parse(inlined(name, function))) if isinstance(n, ast.Name | ast.Attribute)]
    assert sum(isinstance(node, ast.Name) and node.id == "boto3" for node in makers) == 1
    uses = sum(isinstance(node, ast.Name) and node.id == "client" for node in makers)
    assert uses == sum(isinstance(node, ast.Attribute) and is_client(node.value) for node in makers)


@EACH_FUNCTION
def test_no_statement_of_a_function_reaches_further_than_product_stacks(name: str, function: str) -> None:
    for statement in stack(name).policy(f"{function}Role"):
        for resource in listed(statement.get("Resource", [])):
            assert "*" not in resource or resource.endswith((":stack/SC-*/*", ":stack/StackSet-SC-*/*"))
        assert not any("*" in action for action in listed(statement["Action"]))
