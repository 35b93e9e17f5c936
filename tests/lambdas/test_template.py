"""The hub's template: it holds the code that was reviewed, and grants what that code needs and no more."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from lambdas import build

ROOT = Path(__file__).resolve().parents[2]
LAMBDAS = ROOT / "lambdas"
TEMPLATE: dict[str, Any] = cfn_yaml.load(str(LAMBDAS / "template.yaml"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
MODULES = {
    "Notify": ["shared.py", "notify/template.py", "notify/launch.py", "notify/message.py", "notify/index.py"],
    "Verify": ["shared.py", "verify/index.py"],
}
FUNCTIONS = pytest.mark.parametrize("function", sorted(MODULES))


def inlined(function: str) -> str:
    """The function's code as CloudFormation puts it together."""
    separator, parts = RESOURCES[function]["Properties"]["Code"]["ZipFile"]["Fn::Join"]
    mappings = TEMPLATE["Mappings"]
    return str(separator).join(
        mappings[name][key][value] for name, key, value in (part["Fn::FindInMap"] for part in parts)
    )


def statements(source: str) -> list[str]:
    """Every statement, without docstrings and without imports of our own modules."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first, *others = node.body
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and others:
                node.body = others
    return [
        ast.dump(node)
        for node in tree.body
        if not (isinstance(node, ast.ImportFrom) and str(node.module).startswith("lambdas."))
    ]


@FUNCTIONS
def test_the_inlined_code_is_the_code_in_the_repository(function: str) -> None:
    sources = [(LAMBDAS / path).read_text("utf-8") for path in MODULES[function]]
    assert statements(inlined(function)) == [line for source in sources for line in statements(source)]


def test_every_module_of_a_function_is_inlined() -> None:
    present = {str(path.relative_to(LAMBDAS)) for path in LAMBDAS.glob("*/*.py") if path.name != "__init__.py"}
    assert present == {path for paths in MODULES.values() for path in paths if "/" in path}


def test_the_template_is_freshly_built() -> None:
    assert (LAMBDAS / "template.yaml").read_text("utf-8") == build.template(), "run `make lambdas`"


@FUNCTIONS
def test_the_inlined_code_runs_on_its_own(function: str, tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text(inlined(function), "utf-8")
    command = [sys.executable, "-c", "import index; print(index.handler.__name__)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "handler\n"


@FUNCTIONS
def test_the_inlined_code_imports_the_standard_library_and_boto3_only(function: str) -> None:
    imported = set()
    for node in ast.walk(ast.parse(inlined(function))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).split(".")[0])
    assert imported <= sys.stdlib_module_names | {"boto3", "botocore"}


def test_the_template_fits_into_one_request() -> None:
    assert len((LAMBDAS / "template.yaml").read_bytes()) < build.BODY_LIMIT


@pytest.mark.parametrize("path", sorted(LAMBDAS.glob("samples/*.yaml")), ids=lambda path: path.name)
def test_every_sample_fits_into_one_request(path: Path) -> None:
    assert path.stat().st_size < build.BODY_LIMIT


def test_cfn_lint_finds_nothing() -> None:
    files = [str(LAMBDAS / "template.yaml"), *map(str, sorted(LAMBDAS.glob("samples/*.yaml")))]
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, "--include-checks", "I", "--", *files], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
    assert not any("ignore_checks" in Path(file).read_text("utf-8") for file in files)


# Least privilege


def actions_called(function: str) -> set[str]:
    """The IAM actions behind every `client("service").method` in the function's code."""
    called = set()
    for node in ast.walk(ast.parse(inlined(function))):
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


def statements_of(function: str) -> list[dict[str, Any]]:
    (policy,) = RESOURCES[f"{function}Role"]["Properties"]["Policies"]
    granted: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return granted


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@FUNCTIONS
def test_a_role_grants_exactly_what_its_function_calls(function: str) -> None:
    granted = {action for statement in statements_of(function) for action in listed(statement["Action"])}
    for_lambda_itself = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert granted == actions_called(function) | for_lambda_itself


@FUNCTIONS
def test_a_client_is_only_made_where_its_calls_can_be_seen(function: str) -> None:
    makers = [node for node in ast.walk(ast.parse(inlined(function))) if isinstance(node, ast.Name | ast.Attribute)]
    assert sum(isinstance(node, ast.Name) and node.id == "boto3" for node in makers) == 1
    uses = sum(isinstance(node, ast.Name) and node.id == "client" for node in makers)
    assert uses == sum(isinstance(node, ast.Attribute) and is_client(node.value) for node in makers)


@FUNCTIONS
def test_no_statement_reaches_further_than_product_stacks(function: str) -> None:
    for statement in statements_of(function):
        for resource in listed(statement["Resource"]):
            text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
            assert "*" not in text or text.endswith((":stack/SC-*/*", ":stack/StackSet-SC-*/*"))
        assert not any("*" in action for action in listed(statement["Action"]))


# What the design asks of the stack


def test_the_names_are_the_ones_everything_else_relies_on() -> None:
    assert RESOURCES["Topic"]["Properties"]["TopicName"] == "gatehouse-launches"
    assert RESOURCES["Queue"]["Properties"]["QueueName"] == "gatehouse-desk"
    assert RESOURCES["DeadLetters"]["Properties"]["QueueName"] == "gatehouse-desk-dead"
    assert RESOURCES["Notify"]["Properties"]["FunctionName"] == "gatehouse-notify"
    assert RESOURCES["Verify"]["Properties"]["FunctionName"] == "gatehouse-verify"
    assert set(TEMPLATE["Outputs"]) == {
        "NotifyArn",
        "VerifyArn",
        "TopicArn",
        "QueueUrl",
        "QueueArn",
        "SigningKeyArn",
    }


def test_messages_are_signed_and_mails_are_only_for_launches() -> None:
    assert RESOURCES["Topic"]["Properties"]["SignatureVersion"] == "2"
    assert RESOURCES["AdminSubscription"]["Properties"]["FilterPolicy"] == {"kind": ["launch"]}
    assert RESOURCES["QueueSubscription"]["Properties"]["RawMessageDelivery"] is False
    assert RESOURCES["Queue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 5


def test_the_signing_key_outlives_the_stack() -> None:
    key = RESOURCES["SigningKey"]
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert (key["Properties"]["KeySpec"], key["Properties"]["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")


def test_nobody_but_the_worker_signs_once_its_role_is_named() -> None:
    key = RESOURCES["SigningKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert [statement.get("Effect") for statement in key] == ["Allow", None]
    condition, deny, otherwise = key[1]["Fn::If"]
    assert TEMPLATE["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WorkerRoleArn"}, ""]}]}
    assert (deny["Effect"], deny["Principal"], deny["Action"], deny["Resource"]) == ("Deny", "*", "kms:Sign", "*")
    # A session's own ARN is another one; aws:PrincipalArn is its role's.
    assert deny["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": {"Ref": "WorkerRoleArn"}}}
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert TEMPLATE["Parameters"]["WorkerRoleArn"]["Default"] == ""


def test_nobody_but_the_desk_and_its_administrator_listens() -> None:
    statements = RESOURCES["TopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (deny,) = [statement for statement in statements if statement["Action"] == "sns:Subscribe"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    allowed = deny["Condition"]["StringNotEquals"]["sns:Endpoint"]
    endpoints = [endpoint["Fn::If"][1] if "Fn::If" in endpoint else endpoint for endpoint in allowed]
    subscriptions = [r for r in RESOURCES.values() if r["Type"] == "AWS::SNS::Subscription"]
    assert sorted(map(str, endpoints)) == sorted(str(s["Properties"]["Endpoint"]) for s in subscriptions)
    assert all("TopicPolicy" in listed(s["DependsOn"]) for s in subscriptions), "the policy knows a new one first"


def test_only_the_topic_fills_the_queue_and_only_the_rules_call_notify() -> None:
    (sends,) = RESOURCES["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert sends["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}}
    permissions = [r["Properties"] for r in RESOURCES.values() if r["Type"] == "AWS::Lambda::Permission"]
    assert {p["Principal"] for p in permissions} == {"events.amazonaws.com"}
    assert {p["SourceArn"]["Fn::GetAtt"][0] for p in permissions} == {"StackRule", "GateRule"}


def test_a_function_has_time_to_give_up_and_still_answer() -> None:
    from lambdas.shared import ATTEMPT_S, PUT_S, RESERVE_S

    for function in MODULES:
        properties = RESOURCES[function]["Properties"]
        assert properties["Timeout"] > 3 * (ATTEMPT_S + PUT_S + RESERVE_S)
        assert properties["Timeout"] < 300, "the gate's ServiceTimeout"
        assert properties["Runtime"] == "python3.13"
