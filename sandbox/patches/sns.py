"""SNS as subscribers see it: confirmations that must be answered, signed envelopes, HTTP retries, mail that arrives.

MiniStack confirms e-mail at once, never asks HTTP endpoints that a template subscribes, sends an unsubscribe link to
nowhere, gives up after one POST and drops e-mail. Nothing is delivered here to a subscription that is not confirmed.
A queue of another account is asked, too, by a message in the queue.
"""
# ruff: noqa: SLF001 - MiniStack's private names

import contextvars
import json
import re
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.mailbox import store
from sandbox.patches import posts, topics
from sandbox.patches.engine import cloudformation, ministack, replace
from sandbox.patches.sns_signing import MessageSigner

ASKED = ("http", "https", "email", "email-json")
SUBJECT = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,98}")
Dict = dict[str, Any]


def install(origin: str, signer: MessageSigner) -> None:
    """Replace MiniStack's subscribing and fan-out."""
    sns = ministack("services.sns")
    all_topics = Topics(origin, signer)
    publish = sns.publish_internal

    def publish_checked(topic_arn: str, message: Any, subject: str = "", **options: Any) -> Any:
        _check(sns, message, subject, options.get("message_structure", ""))
        return publish(topic_arn, message, subject, **options)

    async def asked_elsewhere(_topic_arn: str, _sub: Dict) -> None:
        """Confirmations are sent by `Topics.ask`, for every way to subscribe."""

    replace(publish, publish_checked)
    replace(sns._send_subscription_confirmation, asked_elsewhere)
    sns._fanout = all_topics.deliver
    sns._subscribe = all_topics.subscribe(sns._subscribe)
    sns._confirm_subscription = all_topics.in_topic_scope(sns._confirm_subscription, "TopicArn")
    sns._unsubscribe = all_topics.in_topic_scope(sns._unsubscribe, "SubscriptionArn")
    for name in ("_list_subscriptions", "_list_subscriptions_by_topic"):
        setattr(sns, name, _hiding_pending(getattr(sns, name)))
    handlers = cloudformation("provisioners")._RESOURCE_HANDLERS
    for kind in ("AWS::SNS::Topic", "AWS::SNS::Subscription"):
        handlers[kind] = {
            **handlers[kind],
            "create": all_topics.provisioned(handlers[kind]["create"]),
            "update": all_topics.provisioned(handlers[kind]["update"]),
        }


def _asked(sub: Dict) -> bool:
    """Whether a subscription has to be confirmed by whoever is at its other end."""
    foreign = sub["protocol"] == "sqs" and sub["endpoint"].split(":")[4:5] != sub["topic_arn"].split(":")[4:5]
    return foreign or sub["protocol"] in ASKED


def _check(sns: Any, message: Any, subject: str, structure: str) -> None:
    """What SNS refuses to publish."""
    if subject and not SUBJECT.fullmatch(subject):
        raise sns.SnsPublishError("InvalidParameter", "Invalid parameter: Subject")
    if structure != "json":
        return
    try:
        bodies = json.loads(message)
    except (TypeError, ValueError):
        bodies = None
    if not isinstance(bodies, dict):
        reason = "Invalid parameter: Message Structure - JSON message body failed to parse"
        raise sns.SnsPublishError("InvalidParameter", reason)
    if "default" not in bodies:
        reason = "Invalid parameter: Message Structure - No default entry in JSON message body"
        raise sns.SnsPublishError("InvalidParameter", reason)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Topics:
    """Subscriptions and deliveries of every topic."""

    def __init__(self, origin: str, signer: MessageSigner) -> None:
        self._origin = origin
        self._signer = signer
        self._sns = ministack("services.sns")
        self._scope = ministack("core.responses").request_scope
        self._couriers = ThreadPoolExecutor(8, thread_name_prefix="sns-http")

    def _topic(self, arn: str) -> Dict:
        _, _, _, region, account, _ = arn.split(":", 5)
        found: Dict | None = self._sns._topics.get_scoped(account, region, arn)
        return found or {"subscriptions": [], "attributes": {}}

    def subscribe(self, original: Callable[[Dict], Any]) -> Callable[[Dict], Any]:
        """Subscribe answers `pending confirmation` until the endpoint has confirmed, and asks again when repeated."""

        def subscribe(params: Dict) -> Any:
            status, headers, body = original(params)
            protocol, endpoint = self._sns._p(params, "Protocol"), self._sns._p(params, "Endpoint")
            topic = self._topic(self._sns._normalize_arn(self._sns._p(params, "TopicArn"))) if status == 200 else {}
            for sub in topic.get("subscriptions", []):
                if (sub["protocol"], sub["endpoint"]) == (protocol, endpoint) and _asked(sub):
                    self.ask(topic, sub)
                    if not sub["confirmed"] and self._sns._p(params, "ReturnSubscriptionArn") != "true":
                        body = body.replace(sub["arn"].encode(), b"pending confirmation")
            return status, headers, body

        return subscribe

    def provisioned(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The same for subscriptions and topics of a template."""

        def create_or_update(*args: Any, **options: Any) -> Any:
            physical_id, attributes = original(*args, **options)
            arn = ":".join(physical_id.split(":")[:6])
            topic = self._topic(arn)
            properties = next((a for a in reversed(args) if isinstance(a, dict) and "ServiceToken" not in a), {})
            if physical_id == arn:
                topics.settings(topic, properties)
            for sub in topic["subscriptions"]:
                if _asked(sub) and "asked" not in sub:
                    self.ask(topic, sub)
            return physical_id, attributes

        return create_or_update

    def ask(self, topic: Dict, sub: Dict) -> None:
        """Send the confirmation request, unless the subscription is confirmed already."""
        if sub.get("asked") and sub["confirmed"]:
            return
        sub.update(asked=True, confirmed=False, token=sub.get("token") or secrets.token_hex(100))
        pending = {"PendingConfirmation": "true", "ConfirmationWasAuthenticated": "false"}
        sub["attributes"].update(
            SubscriptionArn=sub["arn"],
            TopicArn=topic["arn"],
            Protocol=sub["protocol"],
            Endpoint=sub["endpoint"],
        )
        sub["attributes"].update(pending)
        self._sns._refresh_subscription_counts(topic)
        message = {
            "Type": "SubscriptionConfirmation",
            "MessageId": self._sns.new_uuid(),
            "Token": sub["token"],
            "TopicArn": topic["arn"],
            "Message": f"You have chosen to subscribe to the topic {topic['arn']}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message.",
            "SubscribeURL": f"{self._origin}/?Action=ConfirmSubscription&TopicArn={topic['arn']}&Token={sub['token']}",
            "Timestamp": _now(),
        }
        signed = self._signer.sign(message, self._version(topic))
        if sub["protocol"].startswith("email"):
            store.add_confirmation(sub["endpoint"], topic["arn"], signed["SubscribeURL"])
        elif sub["protocol"] == "sqs":
            self._sns._deliver_to_sqs(sub["endpoint"], json.dumps(signed), False, "", topic_arn=topic["arn"])
        else:
            self._couriers.submit(posts.deliver, sub["endpoint"], json.dumps(signed), _headers(signed, ""))

    def _version(self, topic: Dict) -> str:
        return "2" if topic["attributes"].get("SignatureVersion") == "2" else "1"

    def in_topic_scope(self, original: Callable[[Dict], Any], parameter: str) -> Callable[[Dict], Any]:
        """Links in messages carry no credentials: the ARN says whose topic it is."""

        def visit(params: Dict) -> Any:
            parts = self._sns._p(params, parameter).split(":")
            if len(parts) < 6:
                return self._sns._error("InvalidParameter", f"Invalid parameter: {parameter}", 400)
            with self._scope(parts[4], parts[3]):
                return original(params)

        return visit

    def deliver(
        self,
        topic_arn: str,
        msg_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: Dict | None = None,
        **fifo: str,
    ) -> None:
        """Hand one message to every confirmed subscription whose filter lets it through."""
        topic, attributes = self._topic(topic_arn), message_attributes or {}
        for sub in list(topic["subscriptions"]):
            body = self._sns._resolve_message_for_protocol(message, message_structure, sub["protocol"])
            if not sub.get("confirmed") or not self._sns._matches_filter_policy(sub, attributes, body):
                continue
            envelope = self._envelope(topic, sub, msg_id, body, subject, attributes)
            self._hand_over(sub, envelope, attributes, fifo)

    def _envelope(self, topic: Dict, sub: Dict, msg_id: str, body: str, subject: str, attributes: Dict) -> Dict:
        message = {
            "Type": "Notification",
            "MessageId": msg_id,
            "TopicArn": topic["arn"],
            **({"Subject": subject} if subject else {}),
            "Message": body,
            "Timestamp": _now(),
        }
        signed = self._signer.sign(message, self._version(topic))
        signed["UnsubscribeURL"] = f"{self._origin}/?Action=Unsubscribe&SubscriptionArn={quote(sub['arn'], safe=':')}"
        if attributes:
            signed["MessageAttributes"] = {
                name: {
                    "Type": a.get("DataType", "String"),
                    "Value": a.get("StringValue") or a.get("BinaryValue", ""),
                }
                for name, a in attributes.items()
            }
        return signed

    def _hand_over(self, sub: Dict, envelope: Dict, attributes: Dict, fifo: dict[str, str]) -> None:
        protocol, endpoint, body = sub["protocol"], sub["endpoint"], envelope["Message"]
        raw = sub["attributes"].get("RawMessageDelivery") == "true"
        text = json.dumps(envelope)
        if protocol == "sqs":
            self._sns._deliver_to_sqs(
                endpoint,
                text,
                raw,
                body,
                message_attributes=attributes,
                topic_arn=envelope["TopicArn"],
                **fifo,
            )
        elif protocol == "lambda":
            account, region = envelope["TopicArn"].split(":")[4], envelope["TopicArn"].split(":")[3]
            with self._scope(account, region):
                context = contextvars.copy_context()
            args = (endpoint, text, envelope["TopicArn"], sub["arn"], envelope["MessageId"], body, attributes)
            threading.Thread(target=context.run, args=(self._sns._deliver_to_lambda, *args), daemon=True).start()
        elif protocol in ("http", "https"):
            headers = _headers(envelope, sub["arn"])
            if raw:
                headers["x-amz-sns-rawdelivery"] = "true"
            self._couriers.submit(posts.deliver, endpoint, body if raw else text, headers)
        elif protocol.startswith("email"):
            store.add_notification(endpoint, envelope, as_json=protocol == "email-json")


def _headers(message: Dict, subscription: str) -> dict[str, str]:
    headers = {
        "x-amz-sns-message-type": message["Type"],
        "x-amz-sns-message-id": message["MessageId"],
        "x-amz-sns-topic-arn": message["TopicArn"],
    }
    return {**headers, "x-amz-sns-subscription-arn": subscription} if subscription else headers


def _hiding_pending(original: Callable[[Dict], Any]) -> Callable[[Dict], Any]:
    """Lists name a subscription that is not confirmed only `PendingConfirmation`."""

    def listing(params: Dict) -> Any:
        status, headers, body = original(params)
        for topic in ministack("services.sns")._topics.all_values():
            for sub in topic["subscriptions"]:
                if not sub.get("confirmed"):
                    body = body.replace(
                        f"<SubscriptionArn>{sub['arn']}<".encode(), b"<SubscriptionArn>PendingConfirmation<"
                    )
        return status, headers, body

    return listing
