"""What an administrator's check reads: errors in logs, ages of queues, roles' permissions, senders."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.accounts import Account, new_account
from tests.support import allow


@pytest.fixture(scope="module")
def account(sandbox: str) -> Account:
    return Account(sandbox, new_account())


def test_errors_of_a_function_are_found_in_its_log(account: Account) -> None:
    code = "def handler(event, context):\n    raise ValueError('something broke')\n"
    role: dict[str, Any] = {"AssumeRolePolicyDocument": {"Statement": []}}
    function = {
        "FunctionName": "broken",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": code},
    }
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
    }
    account.deploy("broken", {"Resources": resources})
    account.invoke("broken", {})
    since = int((time.time() - 3600) * 1000)
    logs = account.client("logs")
    found = logs.filter_log_events(
        logGroupName="/aws/lambda/broken", startTime=since, filterPattern='?ERROR ?"Task timed out"'
    )
    assert any("something broke" in event["message"] for event in found["events"])
    now = datetime.now(UTC)
    data = account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query("AWS/Lambda", "Errors", "FunctionName", "broken", "Sum")],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )
    assert sum(data["MetricDataResults"][0]["Values"]) == 1


def test_several_terms_are_found_by_any_of_them_and_a_pattern_of_others_by_all(account: Account) -> None:
    logs = account.client("logs")
    logs.create_log_group(logGroupName="terms")
    logs.create_log_stream(logGroupName="terms", logStreamName="s")
    lines = ["ERROR one", "Task timed out after 3 s", "all is well", "ERROR two"]
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName="terms", logStreamName="s", logEvents=[{"timestamp": now, "message": line} for line in lines]
    )

    def found(pattern: str) -> list[str]:
        events = logs.filter_log_events(logGroupName="terms", filterPattern=pattern)["events"]
        return [event["message"] for event in events]

    assert found('?ERROR ?"Task timed out"') == ["ERROR one", "Task timed out after 3 s", "ERROR two"]
    assert found("ERROR two") == ["ERROR two"]


def query(namespace: str, metric: str, dimension: str, value: str, statistic: str) -> dict[str, object]:
    measured = {"Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": dimension, "Value": value}]}
    return {"Id": "a", "MetricStat": {"Metric": measured, "Period": 60, "Stat": statistic}}


def test_age_of_the_oldest_message_is_a_metric_of_its_queue(account: Account) -> None:
    sqs = account.client("sqs")
    for name in ("waiting", "empty"):
        sqs.create_queue(QueueName=name)
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="waiting")["QueueUrl"], MessageBody="old")
    time.sleep(1.2)

    def age(queue: str) -> float:
        now = datetime.now(UTC)
        found = account.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue, "Maximum")],
            StartTime=now - timedelta(minutes=10),
            EndTime=now,
        )
        return float(max(found["MetricDataResults"][0]["Values"]))

    assert 1 < age("waiting") < 60
    assert age("empty") == 0


def test_what_a_role_may_do_can_be_asked(account: Account) -> None:
    iam = account.client("iam")
    allow.role(iam, "launcher", "cloudformation:CreateStack", principal={"Service": "servicecatalog.amazonaws.com"})
    arn = iam.get_role(RoleName="launcher")["Role"]["Arn"]
    function = f"arn:aws:lambda:us-east-1:{account.number}:function:gatehouse-notify"

    def decision() -> str:
        asked = {"PolicySourceArn": arn, "ActionNames": ["lambda:InvokeFunction"], "ResourceArns": [function]}
        return str(iam.simulate_principal_policy(**asked)["EvaluationResults"][0]["EvalDecision"])

    assert decision() == "implicitDeny"
    document = allow.statement(Action="lambda:InvokeFunction", Resource=function)
    iam.put_role_policy(RoleName="launcher", PolicyName="gate", PolicyDocument=document)
    assert decision() == "allowed"
    assert sorted(iam.list_role_policies(RoleName="launcher")["PolicyNames"]) == ["all", "gate"]
    assert iam.list_attached_role_policies(RoleName="launcher")["AttachedPolicies"] == []
    assert json.loads(json.dumps(iam.get_role_policy(RoleName="launcher", PolicyName="gate")["PolicyDocument"]))


def test_sender_that_nobody_verified_is_not_mentioned(account: Account) -> None:
    ses = account.client("ses")
    ses.verify_email_identity(EmailAddress="desk@example.com")
    asked = ["desk@example.com", "nobody@example.com"]
    found = ses.get_identity_verification_attributes(Identities=asked)["VerificationAttributes"]
    assert found == {"desk@example.com": {"VerificationStatus": "Success"}}


def test_account_may_be_in_the_sandbox_of_ses(account: Account) -> None:
    sesv2 = account.client("sesv2")
    assert sesv2.get_account()["ProductionAccessEnabled"] is True
    sesv2.put_account_details(MailType="TRANSACTIONAL", WebsiteURL="https://example.com", ProductionAccessEnabled=False)
    assert sesv2.get_account()["ProductionAccessEnabled"] is False
    assert account.client("ses").get_send_quota()["Max24HourSend"] > 0
