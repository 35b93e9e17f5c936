"""An account of the sandbox that is well: hub deployed, its mail confirmed, a product gated, a launch role that may.

What can be wrong with it is done to it by the tests, with AWS's own calls.
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from catalog import aws
from tests.support import allow

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "lambdas" / "template.yaml"
DESK = "http://localhost:8000"
INTAKE = "desk-intake"
_TRUST = {"Effect": "Allow", "Principal": {"Service": "servicecatalog.amazonaws.com"}, "Action": "sts:AssumeRole"}
_INVOKE = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:*:*:function:gatehouse-*"}


@dataclass
class Hospital:
    endpoint: str
    account: str = field(default_factory=lambda: f"7{secrets.randbelow(10**11):011d}")
    region: str = "us-east-1"
    outputs: dict[str, str] = field(default_factory=dict)
    product: str = ""
    artifact: str = ""
    portfolio: str = ""
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            session: Any = boto3.Session(self.account, "test", region_name=self.region)
            self._clients[service] = session.client(service, endpoint_url=self.endpoint)
        return self._clients[service]

    def open(self) -> Hospital:
        self._deploy()
        self.confirm()
        self._register()
        return self

    @contextmanager
    def acting(self) -> Iterator[Hospital]:
        """Meanwhile the clients of this process act in this account."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", self.account)
            forget_clients()
            yield self
        forget_clients()

    def appoint(self, settings: Any) -> None:
        """The desk of this process is the hub's."""
        settings.GATEHOUSE_QUEUE_URL = self.outputs["QueueUrl"]
        settings.GATEHOUSE_SIGNING_KEY = self.outputs["SigningKeyArn"]
        settings.GATEHOUSE_DECISIONS_TABLE = self.outputs["DecisionsTable"]
        settings.GATEHOUSE_DESK_URL = DESK
        settings.GATEHOUSE_DEV_WAIT_ORIGIN = self.endpoint
        settings.EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
        self.client("ses").verify_email_identity(EmailAddress=settings.GATEHOUSE_FROM_EMAIL)

    def put_template(self, body: str) -> str:
        s3, bucket = self.client("s3"), f"templates-{self.account}"
        if bucket not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=bucket)
        key = f"{secrets.token_hex(4)}.yaml"
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        return f"{self.endpoint}/{bucket}/{key}"

    def version(self, body: str, name: str) -> str:
        info = {"LoadTemplateFromURL": self.put_template(body)}
        made = self.client("servicecatalog").create_provisioning_artifact(
            ProductId=self.product, Parameters={"Name": name, "Info": info}, IdempotencyToken=secrets.token_hex(8)
        )
        return str(made["ProvisioningArtifactDetail"]["Id"])

    def role(self, name: str, *statements: dict[str, Any]) -> str:
        iam = self.client("iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [_TRUST]})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document)
        return str(arn)

    def _deploy(self) -> None:
        cloudformation = self.client("cloudformation")
        wanted = {
            "DeskUrl": DESK,
            "DevelopmentOrigin": self.endpoint,
            "AdminEmail": self.administrator,
            "EmailDecisions": "yes",
            "DeskRoleArns": f"arn:aws:iam::{self.account}:role/{INTAKE}",
        }
        cloudformation.create_stack(
            StackName="gatehouse-hub",
            TemplateURL=self.put_template(TEMPLATE.read_text()),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in wanted.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        stack = self._ended("gatehouse-hub", "CREATE_COMPLETE")
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        allow.role(self.client("iam"), INTAKE, "sqs:PurgeQueue")
        self.reads_queue(INTAKE)

    def reads_queue(self, role: str) -> str:
        """Give a role the hub's policy for intakes; the policy's ARN."""
        policy = f"arn:aws:iam::{self.account}:policy/gatehouse-desk-intake-{self.region}"
        self.client("iam").attach_role_policy(RoleName=role, PolicyArn=policy)
        return policy

    def purge(self, url: str) -> None:
        """As the intake: the queues' own policies let nobody else."""
        role = f"arn:aws:iam::{self.account}:role/{INTAKE}"
        keys = self.client("sts").assume_role(RoleArn=role, RoleSessionName="intake")["Credentials"]
        session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], self.region)
        sqs: Any = session.client("sqs", endpoint_url=self.endpoint)
        sqs.purge_queue(QueueUrl=url)

    def _ended(self, stack: str, status: str) -> Any:
        ends = time.monotonic() + 60
        while True:
            found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
            if found["StackStatus"] == status:
                return found
            assert found["StackStatus"].endswith("IN_PROGRESS"), found
            assert time.monotonic() < ends, found
            time.sleep(0.2)

    @property
    def administrator(self) -> str:
        return f"ada-{self.account}@example.com"

    def confirm(self) -> None:
        mails = f"{self.endpoint}/mailbox/messages.json?to={self.administrator}"
        with urllib.request.urlopen(mails, timeout=10) as answer:  # noqa: S310
            url = json.load(answer)[0]["confirm_url"]
        urllib.request.urlopen(url, timeout=10).close()  # noqa: S310

    def _register(self) -> None:
        catalogue = self.client("servicecatalog")
        self.portfolio = catalogue.create_portfolio(
            DisplayName="Platform", ProviderName="Cloud", IdempotencyToken=secrets.token_hex(8)
        )["PortfolioDetail"]["Id"]
        body = (ROOT / "lambdas" / "samples" / "data-sandbox.yaml").read_text()
        made = catalogue.create_product(
            Name="Data sandbox",
            Owner="Data",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters={"Name": "v1", "Info": {"LoadTemplateFromURL": self.put_template(body)}},
            IdempotencyToken=secrets.token_hex(8),
        )
        self.product = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        self.artifact = made["ProvisioningArtifactDetail"]["Id"]
        catalogue.associate_product_with_portfolio(ProductId=self.product, PortfolioId=self.portfolio)
        catalogue.create_constraint(
            PortfolioId=self.portfolio,
            ProductId=self.product,
            Type="LAUNCH",
            Parameters=json.dumps({"RoleArn": self.role("launch", _INVOKE)}),
            IdempotencyToken=secrets.token_hex(8),
        )
        catalogue.associate_principal_with_portfolio(
            PortfolioId=self.portfolio, PrincipalARN=self.role("developers"), PrincipalType="IAM"
        )


def forget_clients() -> None:
    """Clients and what is known of the account are kept per process; the account has changed."""
    for name in ("_client", "_reading", "own_account"):
        cached = getattr(aws, name, None)
        if cached is not None:
            cached.cache_clear()
