"""A hub and other accounts in one sandbox: what may cross the border, and what may not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.accounts import Account, deploy_hub, new_account
from tests.sandbox.conftest import client
from tests.sandbox.gate import fetch
from tests.sandbox.servicecatalog_support import Place
from tests.support import allow

SIGNATURE = {"MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}


class Hub:
    """The hub, one account it knows in another region, and one it does not know."""

    def __init__(self, account: Account, **parameters: str) -> None:
        self.account = account
        self.spoke = Account(account.url, new_account(), "eu-west-1")
        self.stranger = Account(account.url, new_account(), "eu-west-1")
        self.outputs = deploy_hub(self.account, **(parameters or {"Accounts": self.spoke.number}))
        self.queue = f"arn:aws:sqs:us-east-1:{self.account.number}:gatehouse-desk"

    def subscribe(self, account: Account, name: str = "gatehouse-launches") -> str:
        """A stack in the account with a topic subscribed to the hub's queue; the topic's ARN."""
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "SignatureVersion": "2"}}
        properties = {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": self.queue}
        resources = {"Topic": topic, "Sub": {"Type": "AWS::SNS::Subscription", "Properties": properties}}
        outputs = {"Topic": {"Value": {"Ref": "Topic"}}}
        return account.deploy(name, {"Resources": resources, "Outputs": outputs})["Topic"]

    def messages(self) -> list[Any]:
        return [json.loads(body) for body in self.account.received(self.outputs["QueueUrl"])]


@pytest.fixture(scope="module")
def hub(sandbox: str) -> Hub:
    return Hub(Account(sandbox, new_account()))


def pending(account: Account, topic: str) -> str:
    return str(account.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"])


def test_queue_of_another_account_confirms_a_subscription_before_it_gets_anything(hub: Hub) -> None:
    topic = hub.subscribe(hub.spoke)
    sns = hub.spoke.client("sns")
    assert pending(hub.spoke, topic) == "PendingConfirmation"
    sns.publish(TopicArn=topic, Message="too early")
    [asked] = hub.messages()
    assert (asked["Type"], asked["TopicArn"]) == ("SubscriptionConfirmation", topic)
    assert asked["SignatureVersion"] == "2"
    fetch(asked["SubscribeURL"])
    assert pending(hub.spoke, topic).startswith(f"{topic}:")
    sns.publish(TopicArn=topic, Message="now")
    [notice] = hub.messages()
    assert (notice["Type"], notice["Message"]) == ("Notification", "now")


def test_topic_the_queue_policy_does_not_name_gets_nothing_through(hub: Hub) -> None:
    for account, name in ((hub.stranger, "gatehouse-launches"), (hub.spoke, "other")):
        topic = hub.subscribe(account, name)
        assert pending(account, topic) == "PendingConfirmation"
    hub.account.client("sqs").send_message(QueueUrl=hub.outputs["QueueUrl"], MessageBody='"last"')
    assert hub.messages() == ["last"]


def test_account_of_the_organization_may_send(sandbox: str) -> None:
    leader = Account(sandbox, new_account())
    organizations = leader.client("organizations")
    organization = organizations.describe_organization()["Organization"]["Id"]
    member = organizations.create_account(Email="spoke@example.com", AccountName="spoke")["CreateAccountStatus"]
    spoke = Account(sandbox, member["AccountId"])
    hub = Hub(leader, Org=organization)
    hub.subscribe(hub.stranger)
    topic = hub.subscribe(spoke)
    assert [message["TopicArn"] for message in hub.messages()] == [topic]


def test_key_checks_signatures_for_accounts_its_policy_names(hub: Hub) -> None:
    kms, key = hub.account.client("kms"), hub.outputs["KeyArn"]
    signature = kms.sign(KeyId=key, Message=b"receipt", **SIGNATURE)["Signature"]
    there = client(hub.spoke.url, "kms", hub.spoke.number)
    assert there.verify(KeyId=key, Message=b"receipt", Signature=signature, **SIGNATURE)["SignatureValid"]
    with pytest.raises(there.exceptions.KMSInvalidSignatureException):
        there.verify(KeyId=key, Message=b"forged", Signature=signature, **SIGNATURE)
    for account, call in ((hub.spoke, "sign"), (hub.stranger, "verify")):
        asked = {"Signature": signature} if call == "verify" else {}
        with pytest.raises(ClientError, match=r"AccessDeniedException.*no resource-based policy"):
            getattr(client(account.url, "kms", account.number), call)(KeyId=key, Message=b"m", **asked, **SIGNATURE)


def test_dry_run_of_a_signature_signs_nothing(hub: Hub) -> None:
    kms = hub.account.client("kms")
    with pytest.raises(kms.exceptions.DryRunOperationException):
        kms.sign(KeyId=hub.outputs["KeyArn"], Message=b"m", DryRun=True, **SIGNATURE)


def test_policy_that_wants_tls_is_content_with_the_sandbox(hub: Hub) -> None:
    sqs = hub.account.client("sqs")
    url = sqs.create_queue(QueueName="tls")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": arn, "Condition": plain}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    allow.role(hub.account.client("iam"), "sender", "sqs:SendMessage")
    role = f"arn:aws:iam::{hub.account.number}:role/sender"
    keys = hub.account.client("sts").assume_role(RoleArn=role, RoleSessionName="desk")["Credentials"]
    assert _session(hub.account, keys)("sqs").send_message(QueueUrl=url, MessageBody="m")["MessageId"]


def test_policy_of_a_topic_says_who_may_listen_also_to_its_own_account(hub: Hub) -> None:
    """The conditions of a Subscribe are what it asks for, and of no other call."""
    sns = hub.account.client("sns")
    topic = sns.create_topic(Name="listeners")["TopicArn"]
    known = {"StringNotEquals": {"sns:Endpoint": [hub.queue, "ada@example.com"]}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sns:Subscribe", "Resource": topic}
    as_json = {"StringEquals": {"sns:Protocol": "email-json"}}
    statements = [deny | {"Condition": known}, deny | {"Condition": as_json}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    allow.role(hub.account.client("iam"), "listener", "sns:*")
    role = f"arn:aws:iam::{hub.account.number}:role/listener"
    keys = hub.account.client("sts").assume_role(RoleArn=role, RoleSessionName="eve")["Credentials"]
    for caller in (sns, _session(hub.account, keys)("sns")):
        for protocol, endpoint in (("email", "eve@example.com"), ("email-json", "ada@example.com")):
            with pytest.raises(ClientError, match="AuthorizationError"):
                caller.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
        assert caller.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=hub.queue)["SubscriptionArn"]
        assert caller.subscribe(TopicArn=topic, Protocol="email", Endpoint="ada@example.com")["SubscriptionArn"]


def test_other_accounts_neither_publish_nor_read_nor_invoke(hub: Hub) -> None:
    sqs, functions = (client(hub.spoke.url, name, hub.spoke.number) for name in ("sqs", "lambda"))
    topics = client(hub.spoke.url, "sns", hub.spoke.number)
    arn, url, function = hub.outputs["Topic"], hub.outputs["QueueUrl"], hub.outputs["Fn"]
    calls: list[tuple[Any, dict[str, Any]]] = [
        (topics.publish, {"TopicArn": arn, "Message": "forged"}),
        (topics.subscribe, {"TopicArn": arn, "Protocol": "email", "Endpoint": "eve@example.com"}),
        (sqs.send_message, {"QueueUrl": url, "MessageBody": "forged"}),
        (sqs.receive_message, {"QueueUrl": url}),
        (functions.invoke, {"FunctionName": function, "Payload": b"{}"}),
    ]
    for call, asked in calls:
        with pytest.raises(ClientError, match=r"AuthorizationError|AccessDenied|ResourceNotFoundException"):
            call(**asked)


@pytest.mark.parametrize(("region", "reason"), [("us-east-1", "no resource-based policy"), ("eu-west-1", "region")])
def test_gate_of_another_account_or_region_fails_the_stack(hub: Hub, region: str, reason: str) -> None:
    account = Account(hub.account.url, hub.spoke.number, region)
    request = {"Type": "Custom::NotificationFunction", "Properties": {"ServiceToken": hub.outputs["Fn"]}}
    body = json.dumps({"Resources": {"Request": request}})
    account.client("cloudformation").create_stack(StackName="foreign", TemplateBody=body)
    assert account.ended("foreign")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in account.reasons("foreign")[0]


def test_role_that_may_not_invoke_the_gate_fails_the_stack(hub: Hub) -> None:
    account = hub.account
    trusted = {"Service": "servicecatalog.amazonaws.com"}
    for name, actions in (("may-not", ("sns:Publish",)), ("may", ("lambda:InvokeFunction",))):
        allow.role(account.client("iam"), name, *actions, principal=trusted)
    request = {"Type": "Custom::X", "Properties": {"ServiceToken": hub.outputs["Fn"], "ServiceTimeout": 1}}
    place = Place(account.url, account.number)
    reasons = {}
    for name in ("may-not", "may"):
        portfolio = place.portfolio(name)
        product, artifact = place.product(name, {"Resources": {"Request": request}}, portfolio)
        place.catalogue.create_constraint(
            PortfolioId=portfolio,
            ProductId=product,
            Type="LAUNCH",
            Parameters=json.dumps({"RoleArn": f"arn:aws:iam::{account.number}:role/{name}"}),
        )
        record = place.ended(place.launch(product, artifact, name, size=""))
        reasons[name] = record["RecordErrors"][0]["Description"]
    assert "because no identity-based policy allows the lambda:InvokeFunction action" in reasons["may-not"]
    assert "did not receive a response" in reasons["may"]


def test_role_in_another_account_wants_its_external_id(hub: Hub) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{hub.account.number}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "gatehouse-4711"}},
            }
        ],
    }
    iam, name = hub.spoke.client("iam"), "reader"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    reads = allow.statement(Action="cloudformation:DescribeStacks", Resource="*")
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=reads)
    asked = {"RoleArn": role, "RoleSessionName": "desk"}
    for account, more in (
        (hub.account, {}),
        (hub.account, {"ExternalId": "no"}),
        (hub.stranger, {"ExternalId": "gatehouse-4711"}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            account.client("sts").assume_role(**asked, **more)
    keys = hub.account.client("sts").assume_role(**asked, ExternalId="gatehouse-4711")["Credentials"]
    hub.spoke.deploy("to-read", {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    acting = _session(hub.spoke, keys)
    assert acting("cloudformation").describe_stacks()["Stacks"][0]["StackId"].split(":")[4] == hub.spoke.number
    with pytest.raises(ClientError, match="not authorized to perform: sns:ListTopics"):
        acting("sns").list_topics()


def _session(account: Account, keys: dict[str, Any]) -> Any:
    import boto3

    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=account.region
    )
    return lambda service: session.client(service, endpoint_url=account.url)
