"""Every kind of resource the hub and its spokes need, deployed by one template and used."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.accounts import HUB, Account, deploy_hub, new_account

DECIDE = {
    "UpdateExpression": "SET decision = :d, expires = if_not_exists(expires, :e)",
    "ConditionExpression": "attribute_not_exists(decision) AND attribute_not_exists(#over) AND #until > :now",
    "ExpressionAttributeNames": {"#over": "over", "#until": "until"},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


@pytest.fixture(scope="module")
def hub(sandbox: str) -> tuple[Account, dict[str, str]]:
    account = Account(sandbox, new_account())
    return account, deploy_hub(account, Accounts="444455556666,555566667777")


def test_topics_and_queues_keep_what_the_template_says(hub: tuple[Account, dict[str, str]]) -> None:
    account, outputs = hub
    topic = account.client("sns").get_topic_attributes(TopicArn=outputs["Topic"])["Attributes"]
    queue = account.client("sqs").get_queue_attributes(QueueUrl=outputs["QueueUrl"], AttributeNames=["All"])
    assert topic["SignatureVersion"] == "2"
    assert topic["KmsMasterKeyId"] == queue["Attributes"]["KmsMasterKeyId"] == outputs["DataKey"]
    assert json.loads(queue["Attributes"]["RedrivePolicy"])["maxReceiveCount"] == 5
    sources = [s["Condition"] for s in json.loads(queue["Attributes"]["Policy"])["Statement"]]
    assert sources[1]["StringEquals"] == {"aws:SourceAccount": ["444455556666", "555566667777"]}
    assert len(sources) == 2, "the statement for an organization is AWS::NoValue"


def test_keys_rotate_and_have_their_aliases(hub: tuple[Account, dict[str, str]]) -> None:
    account, outputs = hub
    kms = account.client("kms")
    assert kms.get_key_rotation_status(KeyId="alias/gatehouse-data")["KeyRotationEnabled"] is True
    signing = kms.describe_key(KeyId="alias/gatehouse-signing")["KeyMetadata"]
    assert (signing["Arn"], signing["KeySpec"], signing["KeyUsage"]) == (
        outputs["KeyArn"],
        "ECC_NIST_P256",
        "SIGN_VERIFY",
    )


def test_table_is_encrypted_and_forgets(hub: tuple[Account, dict[str, str]]) -> None:
    dynamodb = hub[0].client("dynamodb")
    table = dynamodb.describe_table(TableName="gatehouse-decisions")["Table"]
    assert table["SSEDescription"]["Status"] == "ENABLED"
    lives = dynamodb.describe_time_to_live(TableName="gatehouse-decisions")["TimeToLiveDescription"]
    assert lives == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_of_fifty_decisions_at_once_exactly_one_is_written(hub: tuple[Account, dict[str, str]]) -> None:
    dynamodb = hub[0].client("dynamodb")
    key = {"id": {"S": "launch#1"}}
    dynamodb.put_item(TableName="gatehouse-decisions", Item={**key, "until": {"N": "100"}})

    def decide(number: int) -> dict[str, Any] | None:
        """The decision that was there, or None."""
        values = {":d": {"M": {"by": {"S": str(number)}}}, ":e": {"N": "9"}, ":now": {"N": "99"}}
        try:
            dynamodb.update_item(TableName="gatehouse-decisions", Key=key, ExpressionAttributeValues=values, **DECIDE)
        except dynamodb.exceptions.ConditionalCheckFailedException as error:
            return dict(error.response["Item"]["decision"])
        return None

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(decide, range(50)))
    assert found.count(None) == 1
    winner = {"M": {"by": {"S": str(found.index(None))}}}
    assert all(decision == winner for decision in found if decision)


def test_function_has_its_concurrency_and_its_log_group(hub: tuple[Account, dict[str, str]]) -> None:
    account, _ = hub
    found = account.client("lambda").get_function(FunctionName="gatehouse-notify")
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 2}
    assert found["Configuration"]["Environment"]["Variables"]["SUFFIX"] == "amazonaws.com"
    account.invoke("gatehouse-notify", {})
    logs, since = account.client("logs"), int(time.time() * 1000) - 3_600_000
    events = logs.filter_log_events(logGroupName="/aws/lambda/gatehouse-notify", startTime=since)["events"]
    assert any('"event": "called"' in event["message"] for event in events)


def test_function_acts_as_its_role_and_no_further(hub: tuple[Account, dict[str, str]]) -> None:
    account, _ = hub
    session = f"arn:aws:sts::{account.number}:assumed-role/gatehouse-notify-us-east-1/gatehouse-notify"
    assert account.invoke("gatehouse-notify", {"whoami": 1}) == session
    refused = account.invoke("gatehouse-notify", {"list": 1})
    assert "not authorized to perform: sqs:ListQueues" in refused["errorMessage"]


def test_event_nothing_could_handle_is_kept_with_its_error(hub: tuple[Account, dict[str, str]]) -> None:
    account, outputs = hub
    account.client("lambda").invoke(
        FunctionName="gatehouse-notify", InvocationType="Event", Payload=json.dumps({"boom": 1})
    )
    record = json.loads(account.received(outputs["FailuresUrl"], 30)[0])
    assert record["requestPayload"] == {"boom": 1}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestContext"]["functionArn"] == f"{outputs['Fn']}:$LATEST"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorMessage"] == "boom"


def test_alarms_filters_and_metrics_are_there(hub: tuple[Account, dict[str, str]]) -> None:
    account, _ = hub
    alarms = account.client("cloudwatch").describe_alarms(AlarmNamePrefix="gatehouse-")["MetricAlarms"]
    assert sorted(alarm["AlarmName"] for alarm in alarms) == ["gatehouse-age", "gatehouse-errors"]
    filters = account.client("logs").describe_metric_filters(logGroupName="/aws/lambda/gatehouse-notify")
    assert [f["filterPattern"] for f in filters["metricFilters"]] == ['{ $.level = "ERROR" }']


def test_rule_of_the_template_refuses_parameters_that_do_not_fit(sandbox: str) -> None:
    account = Account(sandbox, new_account())
    with pytest.raises(ClientError, match="Without a desk there must be e-mail decisions"):
        account.deploy("hub", HUB.read_text(), EmailDecisions="no")


def test_without_email_decisions_there_is_neither_table_nor_api(sandbox: str) -> None:
    account = Account(sandbox, new_account())
    outputs = account.deploy("hub", HUB.read_text(), EmailDecisions="no", DeskUrl="https://desk.example.com")
    assert "ApiUrl" not in outputs
    assert account.client("dynamodb").list_tables()["TableNames"] == []
