"""Whose call it is: a 12-digit key is an account, an assumed role a session of it."""

import boto3

from sandbox import identity
from tests.sandbox.conftest import Client
from tests.support import allow


def test_header_names_the_account_and_region() -> None:
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=111122223333/20261122/eu-west-3/sns/aws4_request, …"}
    assert identity.caller(headers) == ("111122223333", "arn:aws:iam::111122223333:root")
    assert identity.region(headers) == "eu-west-3"
    assert identity.caller({})[0] == "000000000000"
    assert identity.region({}) == "us-east-1"


def test_assumed_role_acts_in_the_account_of_the_role(aws: Client, sandbox: str, account: str) -> None:
    allow.role(aws("iam"), "Launcher", "sns:CreateTopic")
    session = aws("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/Launcher", RoleSessionName="anna@example.com"
    )["Credentials"]
    assert session["AccessKeyId"].startswith("ASIA")
    options = {
        "endpoint_url": sandbox,
        "region_name": "us-east-1",
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    who = boto3.client("sts", **options).get_caller_identity()
    assert (who["Account"], who["Arn"]) == (
        account,
        f"arn:aws:sts::{account}:assumed-role/Launcher/anna@example.com",
    )
    topic = boto3.client("sns", **options).create_topic(Name="of-a-session")["TopicArn"]
    assert topic.split(":")[4] == account
