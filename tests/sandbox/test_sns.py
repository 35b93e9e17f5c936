"""SNS: signed messages, confirmed subscriptions, delivery that does not give up at once (aws-facts §4)."""

import base64
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox.conftest import Client
from tests.sandbox.endpoint import Endpoint
from tests.sandbox.gate import Gate, fetch, send, until
from tests.support import allow

NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@pytest.fixture
def topic(aws: Client, request: pytest.FixtureRequest) -> str:
    name = f"t-{abs(hash(request.node.nodeid))}"
    return str(aws("sns").create_topic(Name=name, Attributes={"SignatureVersion": "2"})["TopicArn"])


@pytest.fixture
def queue(aws: Client, topic: str) -> str:
    url = str(aws("sqs").create_queue(QueueName=topic.rpartition(":")[2])["QueueUrl"])
    allow.topic(aws("sqs"), url, topic)
    return url


def subscribe_queue(aws: Client, topic: str, **attributes: str) -> None:
    arn = topic.replace(":sns:", ":sqs:")
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)


def check_signature(message: dict[str, Any], sandbox: str) -> None:
    """As a subscriber does: the string to sign, the certificate, RSA with SHA-256."""
    url = message["SigningCertURL"]
    assert url.startswith(f"{sandbox}/_gatehouse/sns/SimpleNotificationService-")
    assert url.endswith(".pem")
    key = x509.load_pem_x509_certificate(fetch(url)).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    names = NOTIFICATION if message["Type"] == "Notification" else CONFIRMATION
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    algorithm = hashes.SHA256() if message["SignatureVersion"] == "2" else hashes.SHA1()  # noqa: S303 - version 1
    key.verify(base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


@pytest.mark.parametrize("subject", [None, "A launch waits"])
def test_envelope_on_a_queue_is_signed(
    aws: Client, gate: Gate, sandbox: str, topic: str, queue: str, subject: str | None
) -> None:
    subscribe_queue(aws, topic)
    attributes = {"kind": {"DataType": "String", "StringValue": "launch"}}
    extra = {"Subject": subject} if subject else {}
    aws("sns").publish(TopicArn=topic, Message="grüße\n", MessageAttributes=attributes, **extra)
    envelope = next(gate.messages(aws("sqs"), queue))
    check_signature(envelope, sandbox)
    assert (envelope["SignatureVersion"], envelope["TopicArn"]) == ("2", topic)
    assert envelope.get("Subject") == subject
    assert envelope["MessageAttributes"] == {"kind": {"Type": "String", "Value": "launch"}}
    assert time.strptime(envelope["Timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")
    with pytest.raises(InvalidSignature):
        check_signature({**envelope, "Message": "other"}, sandbox)


def test_topic_that_does_not_ask_for_version_2_signs_with_version_1(aws: Client, gate: Gate, sandbox: str) -> None:
    topic = aws("sns").create_topic(Name="old")["TopicArn"]
    queue = aws("sqs").create_queue(QueueName="old")["QueueUrl"]
    allow.topic(aws("sqs"), queue, topic)
    subscribe_queue(aws, topic)
    aws("sns").publish(TopicArn=topic, Message="m")
    envelope = next(gate.messages(aws("sqs"), queue))
    assert envelope["SignatureVersion"] == "1"
    check_signature(envelope, sandbox)


def test_http_endpoint_confirms_before_it_gets_anything(aws: Client, sandbox: str, topic: str) -> None:
    with Endpoint() as endpoint:
        answer = aws("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
        assert answer["SubscriptionArn"] == "pending confirmation"
        headers, asked = endpoint.post()
        check_signature(asked, sandbox)
        assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
        assert headers["content-type"] == "text/plain; charset=UTF-8"
        assert headers["user-agent"] == "Amazon Simple Notification Service Agent"
        assert "x-amz-sns-subscription-arn" not in headers
        aws("sns").publish(TopicArn=topic, Message="too early")
        listed = aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert [s["SubscriptionArn"] for s in listed] == ["PendingConfirmation"]
        fetch(asked["SubscribeURL"])
        aws("sns").publish(TopicArn=topic, Message="now", Subject="hello")
        headers, message = endpoint.post(1)
        check_signature(message, sandbox)
        assert (message["Message"], message["Subject"]) == ("now", "hello")
        listed = aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert headers["x-amz-sns-subscription-arn"] == listed[0]["SubscriptionArn"]
        assert headers["x-amz-sns-message-id"] == message["MessageId"]
        fetch(message["UnsubscribeURL"])
        assert aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def confirmed(aws: Client, topic: str, endpoint: Endpoint, **attributes: str) -> None:
    aws("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes=attributes)
    aws("sns").confirm_subscription(TopicArn=topic, Token=endpoint.post()[1]["Token"])


def test_endpoint_in_trouble_is_asked_again_and_a_refusal_is_final(aws: Client, topic: str) -> None:
    with Endpoint() as endpoint:
        confirmed(aws, topic, endpoint)
        endpoint.answers = deque([503, 500, 200])
        aws("sns").publish(TopicArn=topic, Message="trouble")
        until(lambda: len(endpoint.posts) == 4)
        assert len({body for _, body in endpoint.posts[1:]}) == 1
        endpoint.answers = deque([403])
        aws("sns").publish(TopicArn=topic, Message="refused")
        until(lambda: len(endpoint.posts) == 5)
        time.sleep(0.8)
        assert len(endpoint.posts) == 5


def test_raw_delivery_sends_the_message_alone(aws: Client, topic: str) -> None:
    with Endpoint() as endpoint:
        confirmed(aws, topic, endpoint, RawMessageDelivery="true")
        aws("sns").publish(TopicArn=topic, Message='{"a": 1}')
        headers, body = endpoint.post(1)
        assert (headers["x-amz-sns-rawdelivery"], body) == ("true", {"a": 1})


def test_every_protocol_gets_its_own_body_and_only_what_its_filter_lets_through(
    aws: Client, gate: Gate, topic: str, queue: str, mails: Callable[[str], list[dict[str, Any]]]
) -> None:
    subscribe_queue(aws, topic)
    policy = json.dumps({"kind": ["launch"]})
    aws("sns").subscribe(
        TopicArn=topic, Protocol="email", Endpoint="filter@example.com", Attributes={"FilterPolicy": policy}
    )
    fetch(mails("filter@example.com")[0]["confirm_url"])
    for kind in ("launch", "status"):
        aws("sns").publish(
            TopicArn=topic,
            MessageStructure="json",
            Message=json.dumps({"default": "text", "sqs": json.dumps({"kind": kind})}),
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
    envelopes = gate.messages(aws("sqs"), queue)
    assert [json.loads(next(envelopes)["Message"])["kind"] for _ in range(2)] == ["launch", "status"]
    received = mails("filter@example.com")
    assert [mail["text"].splitlines()[0] for mail in received[:-1]] == ["text"]


def test_email_subscription_waits_for_its_link(
    aws: Client, topic: str, mails: Callable[[str], list[dict[str, Any]]]
) -> None:
    sns, address = aws("sns"), "anna@example.com"
    assert sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)["SubscriptionArn"] == (
        "pending confirmation"
    )
    sns.publish(TopicArn=topic, Message="too early")
    asked = mails(address)[0]
    assert (asked["kind"], asked["subject"]) == (
        "sns-confirmation",
        "AWS Notification - Subscription Confirmation",
    )
    fetch(asked["confirm_url"])
    sns.publish(TopicArn=topic, Message="now", Subject="A launch waits")
    mail = mails(address)[0]
    assert (mail["kind"], mail["subject"], mail["from"]) == (
        "sns",
        "A launch waits",
        "AWS Notifications <no-reply@sns.amazonaws.com>",
    )
    assert mail["text"].startswith("now\n\n--\nIf you wish to stop receiving")
    assert len(mails(address)) == 2


def test_subscriptions_of_a_template_are_asked_too(
    aws: Client, gate: Gate, sandbox: str, mails: Callable[[str], list[dict[str, Any]]]
) -> None:
    with Endpoint() as endpoint:
        inline = [{"Protocol": "email", "Endpoint": "inline@example.com"}]
        subscription = {"TopicArn": {"Ref": "Topic"}, "Protocol": "http", "Endpoint": endpoint.url}
        template = {
            "Resources": {
                "Topic": {
                    "Type": "AWS::SNS::Topic",
                    "Properties": {"SignatureVersion": "2", "Subscription": inline},
                },
                "Http": {"Type": "AWS::SNS::Subscription", "Properties": subscription},
            },
            "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}},
        }
        stack = gate.ended(gate.create(template))
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        _, asked = endpoint.post()
        check_signature(asked, sandbox)
        assert asked["SignatureVersion"] == "2"
        assert mails("inline@example.com")[0]["kind"] == "sns-confirmation"
        attributes = aws("sns").get_topic_attributes(TopicArn=stack["Outputs"][0]["OutputValue"])["Attributes"]
        assert attributes["SubscriptionsPending"] == "2"


@pytest.mark.parametrize(
    "message",
    [
        {"Message": "m", "Subject": "two\nlines"},
        {"Message": "m", "Subject": "x" * 100},
        {"Message": "m", "Subject": "Zugriff für Anna"},
        {"Message": "no json", "MessageStructure": "json"},
        {"Message": '{"sqs": "no default"}', "MessageStructure": "json"},
        {"Message": "x" * 262145},
    ],
    ids=["lines", "long", "not ASCII", "no JSON", "no default", "too large"],
)
def test_message_that_sns_would_refuse_is_refused(aws: Client, topic: str, message: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="InvalidParameter"):
        aws("sns").publish(TopicArn=topic, **message)


def test_certificate_is_served_at_no_other_address(sandbox: str) -> None:
    url = f"{sandbox}/_gatehouse/sns/SimpleNotificationService-0.pem"
    assert send(url, b"", "GET", None).status == 404
