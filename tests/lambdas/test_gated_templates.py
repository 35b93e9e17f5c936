"""Real templates with the gate in them, launched into the local AWS: nothing is made before the approval, all is after.

WordPress is our sample without its own gate; the others are public templates whose types the sandbox knows.
"""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from catalog import gating
from catalog.templates import plain, read
from tests.lambdas.account import Account, signal, with_hub
from tests.lambdas.conftest import ROOT

CORPUS = Path(os.environ.get("GATEHOUSE_CORPUS") or ROOT.parent / "shared" / "corpus")
SAMPLES = ROOT / "lambdas" / "samples"
AWS_SAMPLES, REFERENCE = "aws-cloudformation-templates__", "aws-service-catalog-reference-architectures__"
SAM = "serverless-application-model__tests__translator__output__"
TEMPLATES: dict[str, dict[str, str]] = {
    f"{AWS_SAMPLES}DynamoDB__DynamoDB_Secondary_Indexes.json": {},
    f"{AWS_SAMPLES}RDS__RDS_Snapshot_On_Delete.yaml": {},
    f"{AWS_SAMPLES}SNS__SNSTopic.json": {"SubscriptionEndPoint": "ops@example.com"},
    f"{AWS_SAMPLES}Solutions__AmazonCloudWatchAgent__inline__redhat.yaml": {
        "KeyName": "demo",
        "SubnetId": "subnet-12345678",
    },
    f"{AWS_SAMPLES}Solutions__OperatingSystems__ubuntu20.04_cfn-hup.json": {
        "KeyName": "demo",
        "SubnetId": "subnet-12345678",
    },
    f"{AWS_SAMPLES}Solutions__S3CrossAccountReplicationWithKMS__templates__source.json": {
        "AccountIdDestination": "111122223333"
    },
    f"{REFERENCE}iam__sc-ec2vpc-launchrole.yml": {},
    f"{REFERENCE}iam__sc-rds-launchrole.yml": {},
    f"{REFERENCE}labs__preventive-control__products__alb__sc-alb-products-role.yml": {
        "ProductRoleName": "alb-products",
        "ProductPolicyName": "alb-products",
    },
    "aws-service-catalog-puppet__servicecatalog_puppet__servicecatalog-puppet-org-master.template.yaml": {
        "PuppetAccountId": "111122223333"
    },
    "quickstart-examples__blog-assets__change-cfn-stack-name__01-vpc-basic.yaml": {},
    f"{SAM}aws-cn__connector_function_to_s3.json": {},
    f"{SAM}aws-us-gov__explicit_api_openapi_3.json": {},
}


@pytest.fixture(scope="module")
def account(sandbox: str) -> Account:
    return with_hub("210000000000", sandbox)


def gated(path: Path, **options: Any) -> str:
    result = gating.gate(path.read_bytes(), gating.Options(**options), path.name)
    assert result.verdict == gating.Verdict.GATED, result.reason
    assert result.output is not None
    return result.output.decode()


def waits_then_completes(account: Account, template: str, given: dict[str, str]) -> None:
    cloudformation = account.client("cloudformation")
    stack_id = cloudformation.create_stack(
        StackName=f"SC-{account.number}-pp-{uuid.uuid4().hex[:13]}",
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )["StackId"]
    launch = account.message(stack_id, kind="launch", event="Create")
    asked = {parameter["name"] for parameter in launch["parameters"]}
    assert given.keys() <= asked
    assert (launch["hold"]["timeout"], launch["gate"]["receipt"], launch["gate"]["gate_updates"]) == (42600, True, True)
    started = [event["LogicalResourceId"] for event in events(account, stack_id)]
    assert all(re.fullmatch("Approval(Handle|Request|Wait)[0-9a-f]{10}|SC-.*", name) for name in started), started
    signal(launch, data=account.receipt(launch))
    stack = account.ended(stack_id)
    assert stack["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack_id)
    made = {
        event["LogicalResourceId"]
        for event in events(account, stack_id)
        if event["ResourceStatus"] == "CREATE_COMPLETE"
    }
    assert expected(template) <= made


def events(account: Account, stack_id: str) -> list[dict[str, Any]]:
    return list(account.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"])


def expected(template: str) -> set[str]:
    """All resources but those with a condition, which these launches may leave out."""
    resources = plain(read(template.encode()).root)["Resources"]
    return {name for name, body in resources.items() if "Condition" not in body}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_gated_template_of_the_corpus_makes_nothing_before_its_approval(account: Account, name: str) -> None:
    path = CORPUS / name
    if not path.is_file():
        pytest.skip(f"the corpus has no {name}")
    waits_then_completes(account, gated(path), TEMPLATES[name])


@pytest.mark.parametrize("name", ["wordpress.yaml", "wordpress-classic.yaml"])
def test_wordpress_with_this_gate_makes_nothing_before_its_approval(account: Account, name: str) -> None:
    template = gated(SAMPLES / name, upgrade=True)
    assert "WaitHandle:" not in template
    assert "ApprovalHandleV1:" not in template
    waits_then_completes(account, template, {"UserEmail": "rita@example.com", "DBPassword": "notsecret0"})
