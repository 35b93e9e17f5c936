"""Only what SNS signed is believed, whatever a stranger changes."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from approvals.intake import certificates, sns
from approvals.intake.strict import NotUnderstood
from tests.support.envelopes import ACCOUNT, TOPIC
from tests.support.sns import CERT_URL, Topic, certificate

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LIMIT = 288 * 1024


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Topic]:
    in_memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": uuid4().hex}
    settings.CACHES = {"default": in_memory}
    topic = Topic()
    certificates.forget()
    monkeypatch.setattr(certificates, "_fetch", topic.fetch)
    yield topic
    certificates.forget()


def opened(fields: dict[str, Any] | str, accounts: list[str] | None = None) -> sns.SnsMessage:
    raw = fields if isinstance(fields, str) else json.dumps(fields)
    return sns.open_message(raw, limit=LIMIT, accounts=accounts)


def test_a_signed_message_is_believed(topic: Topic) -> None:
    message = opened(topic.notification("hello", NOW), [ACCOUNT])
    assert (message.message, message.topic_arn, message.timestamp) == ("hello", TOPIC, NOW)


def test_a_message_without_a_subject_is_believed(topic: Topic) -> None:
    assert opened(topic.notification("hello", NOW, Subject=None)).message == "hello"


def test_text_of_every_language_and_control_characters_are_signed_as_they_are(topic: Topic) -> None:
    text = 'é 中文 \u202e <b>&amp;</b> \u0000 "quoted" \n\\'
    assert opened(topic.notification(text, NOW)).message == text


def test_the_certificate_is_fetched_once(topic: Topic) -> None:
    for _ in range(5):
        opened(topic.notification("hello", NOW))
    assert topic.fetched == [CERT_URL]


def test_a_thousand_flipped_bits_are_never_believed(topic: Topic) -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    original = topic.notification('{"kind": "launch"}', NOW)
    good = opened(original)
    raw = json.dumps(original).encode()
    # Keep certificate fetches out of it: an unknown URL is a failure of its own.
    accepted = refused = 0
    for _ in range(1000):
        at, bit = rng.randrange(len(raw)), rng.randrange(8)
        changed = bytearray(raw)
        changed[at] ^= 1 << bit
        try:
            message = opened(changed.decode("utf-8", "replace"))
        except (sns.Forged, sns.Unavailable, NotUnderstood, KeyError):
            refused += 1
        else:
            # Only what is not signed may differ: it is never read.
            assert message == good, f"seed {seed}"
            accepted += 1
    assert refused > 700, f"seed {seed}"


SIGNED_FIELDS = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"]


def test_a_thousand_flips_in_signed_fields_are_all_refused(topic: Topic) -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    original = topic.notification('{"kind": "launch"}', NOW)
    refused = 0
    for _ in range(1000):
        name = rng.choice(SIGNED_FIELDS)
        text = original[name]
        at = rng.randrange(len(text))
        flipped = text[:at] + chr(ord(text[at]) ^ (1 << rng.randrange(7))) + text[at + 1 :]
        with pytest.raises((sns.Forged, NotUnderstood)):
            opened(original | {name: flipped})
        refused += 1
    assert refused == 1000, f"seed {seed}"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"SignatureVersion": "1"}, "signature version"),
        ({"SignatureVersion": "3"}, "signature version"),
        ({"SignatureVersion": ""}, "signature version"),
        ({"Signature": "FAKE"}, "signature"),
        ({"Signature": ""}, "signature"),
        ({"Signature": "é"}, "signature"),
        ({"Signature": base64.b64encode(b"x" * 256).decode()}, "signature"),
        ({"Message": "other"}, "signature"),
        ({"Subject": "other"}, "signature"),
        ({"Timestamp": "2026-11-22T10:00:01.000Z"}, "signature"),
        ({"TopicArn": "arn:aws:sns:us-east-1:444455556666:gatehouse-launches"}, "signature"),
        ({"TopicArn": "arn:aws:sns:us-east-1:111122223333:other"}, "topic"),
        ({"TopicArn": "nonsense"}, "topic"),
        ({"SigningCertURL": CERT_URL.replace("https", "http")}, "certificate host"),
        ({"SigningCertURL": CERT_URL.replace("amazonaws.com", "amazonaws.com.evil.example")}, "certificate host"),
        ({"SigningCertURL": CERT_URL.replace("sns.", "sns-evil.")}, "certificate host"),
        ({"SigningCertURL": "https://evil.example/" + CERT_URL}, "certificate host"),
        ({"SigningCertURL": CERT_URL.replace("https://", "https://evil.example@")}, "certificate host"),
        ({"SigningCertURL": CERT_URL.replace("amazonaws.com/", "amazonaws.com:8443/")}, "certificate host"),
        ({"SigningCertURL": CERT_URL + "?x"}, "certificate host"),
        ({"SigningCertURL": CERT_URL + "#x.pem"}, "certificate host"),
        ({"SigningCertURL": CERT_URL.replace(".pem", ".der")}, "certificate host"),
        ({"SigningCertURL": CERT_URL.replace("/Simple", "/../Simple")}, "certificate host"),
        ({"SigningCertURL": CERT_URL + "\n"}, "certificate host"),
        ({"SigningCertURL": "https://sns.us-east-1.amazonaws.com"}, "certificate host"),
        ({"SigningCertURL": "http://169.254.169.254/x.pem"}, "certificate host"),
        ({"SigningCertURL": "file:///x.pem"}, "certificate host"),
        ({"SigningCertURL": "http://localhost:4566/x.pem"}, "certificate host"),
    ],
)
def test_forgeries_are_told_by_name(topic: Topic, change: dict[str, str], why: str) -> None:
    with pytest.raises(sns.Forged, match=rf"^{why}$"):
        opened(topic.notification("hello", NOW) | change)


def test_a_genuine_version_1_signature_is_refused(topic: Topic) -> None:
    fields = topic.notification("hello", NOW)
    with pytest.raises(sns.Forged, match="signature version"):
        opened(topic.sign(fields, version="1"))


def test_a_subject_that_was_added_or_taken_away_is_a_forgery(topic: Topic) -> None:
    without = topic.notification("hello", NOW, Subject=None)
    with pytest.raises(sns.Forged):
        opened(without | {"Subject": "added"})
    with pytest.raises(sns.Forged):
        opened({k: v for k, v in topic.notification("hello", NOW).items() if k != "Subject"})


def test_a_signature_of_another_key_is_a_forgery(topic: Topic) -> None:
    fields = topic.sign(topic.notification("hello", NOW), bits=3072)
    with pytest.raises(sns.Forged, match=r"^signature$"):
        opened(fields)


def test_a_short_key_is_not_believed(topic: Topic) -> None:
    topic.served[CERT_URL] = certificate(1024)
    with pytest.raises(sns.Forged, match=r"^certificate$"):
        opened(topic.sign(topic.notification("hello", NOW), bits=1024))


def test_a_topic_of_an_unknown_account_is_refused_before_anything_is_fetched(topic: Topic) -> None:
    with pytest.raises(sns.Forged, match=r"^topic$"):
        opened(topic.notification("hello", NOW), ["444455556666"])
    assert topic.fetched == []


@pytest.mark.parametrize(
    "name", ["Message", "MessageId", "Timestamp", "TopicArn", "Signature", "SigningCertURL", "SignatureVersion"]
)
@pytest.mark.parametrize("value", [None, 1, [], {}, True, 1.5])
def test_fields_of_another_type_are_malformed(topic: Topic, name: str, value: object) -> None:
    with pytest.raises(NotUnderstood):
        opened(topic.notification("hello", NOW) | {name: value})


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "{}", "hello", '{"Type": "Other"}', '{"Type": {}}', '{"Type": ["Notification"]}', "{" * 100_000],
)
def test_what_is_no_sns_message_is_malformed(topic: Topic, body: str) -> None:
    with pytest.raises(NotUnderstood):
        opened(body)


def test_a_certificate_that_cannot_be_had_now_is_no_forgery(topic: Topic) -> None:
    topic.served[CERT_URL] = sns.Unavailable("HTTP 503")
    fields = topic.notification("hello", NOW)
    for _ in range(3):
        with pytest.raises(sns.Unavailable):
            opened(fields)
    assert topic.fetched == [CERT_URL], "the trouble is remembered for a moment"


@pytest.mark.parametrize("pem", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_makes_a_forgery(topic: Topic, pem: bytes) -> None:
    topic.served[CERT_URL] = pem
    with pytest.raises(sns.Forged, match=r"^certificate$"):
        opened(topic.notification("hello", NOW))


def test_a_stranger_cannot_push_the_good_certificate_out_nor_make_us_fetch_for_ever(topic: Topic) -> None:
    opened(topic.notification("hello", NOW))
    for n in range(200):
        url = CERT_URL.replace("0123", f"f{n:03d}")
        topic.served[url] = b"nonsense"
        with pytest.raises((sns.Forged, sns.Unavailable)):
            opened(topic.notification("hello", NOW) | {"SigningCertURL": url})
    assert len(topic.fetched) <= 20
    assert opened(topic.notification("hello", NOW)).message == "hello"


@pytest.mark.parametrize(
    "host",
    ["sns.eu-west-1.amazonaws.com", "sns.us-east-1.amazonaws.com.cn", "sns.nope.amazonaws.com", "sns.us-east-10.a.com"],
)
def test_a_certificate_of_another_region_than_the_topic_is_never_fetched(topic: Topic, host: str) -> None:
    fields = topic.notification("hello", NOW)
    with pytest.raises(sns.Forged, match=r"^certificate host$"):
        opened(fields | {"SigningCertURL": CERT_URL.replace("sns.us-east-1.amazonaws.com", host)})
    assert topic.fetched == []


def test_a_topic_in_china_signs_with_a_certificate_in_china(topic: Topic) -> None:
    topic.arn = TOPIC.replace("arn:aws:sns:us-east-1", "arn:aws-cn:sns:cn-north-1")
    url = CERT_URL.replace("us-east-1.amazonaws.com", "cn-north-1.amazonaws.com.cn")
    topic.served[url] = certificate()
    assert opened(topic.notification("hello", NOW) | {"SigningCertURL": url}).message == "hello"


def used_up(topic: Topic) -> None:
    """Strangers made us fetch as often as we let them."""
    for n in range(30):
        url = CERT_URL.replace("0123", f"f{n:03d}")
        topic.served[url] = sns.Unavailable("dns")
        with pytest.raises(sns.Unavailable):
            opened(topic.notification("hello", NOW) | {"SigningCertURL": url})


def a_day_later() -> None:
    certificates._keys[CERT_URL] = (certificates._keys[CERT_URL][0], 0.0)
    cache.clear()


def test_genuine_messages_are_taken_while_strangers_use_up_our_fetches(topic: Topic) -> None:
    opened(topic.notification("hello", NOW))
    used_up(topic)
    a_day_later()
    assert opened(topic.notification("hello", NOW)).message == "hello"
    assert topic.fetched.count(CERT_URL) == 1


def test_a_known_key_outlives_a_certificate_that_cannot_be_fetched_again(topic: Topic) -> None:
    opened(topic.notification("hello", NOW))
    a_day_later()
    topic.served[CERT_URL] = sns.Unavailable("HTTP 503")
    for _ in range(3):
        assert opened(topic.notification("hello", NOW)).message == "hello"
    assert topic.fetched == [CERT_URL] * 2, "the trouble is remembered for a moment"


def test_another_process_needs_no_fetch_for_a_key_this_one_knows(topic: Topic) -> None:
    opened(topic.notification("hello", NOW))
    certificates.forget()
    used_up(topic)
    topic.fetched.clear()
    assert opened(topic.notification("hello", NOW)).message == "hello"
    assert topic.fetched == []
    with pytest.raises(sns.Forged, match=r"^signature$"):
        opened(topic.notification("hello", NOW) | {"Message": "other"})


@pytest.mark.parametrize(
    ("age", "fine"), [(0, True), (3599, True), (3601, False), (-240, True), (-301, False), (86400 * 14, False)]
)
def test_the_age_of_a_message(topic: Topic, age: int, fine: bool) -> None:
    raw = topic.raw("hello", NOW - timedelta(seconds=age))
    if fine:
        assert sns.open_message(raw, limit=LIMIT, accounts=None, fresh_at=NOW).message == "hello"
    else:
        with pytest.raises(sns.Forged, match=r"^stale$"):
            sns.open_message(raw, limit=LIMIT, accounts=None, fresh_at=NOW)
        assert topic.fetched == [], "nothing is fetched for it"


def confirmation(topic: Topic, url: str) -> sns.SnsMessage:
    return opened(
        topic.sign(
            {
                "Type": "SubscriptionConfirmation",
                "MessageId": "m",
                "TopicArn": TOPIC,
                "Message": "You have chosen to subscribe",
                "Timestamp": "2026-11-22T10:00:00.000Z",
                "Token": "token",
                "SubscribeURL": url,
            }
        )
    )


CONFIRM = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc"


def test_a_confirmation_url_of_sns_for_the_same_topic_is_called(topic: Topic) -> None:
    assert sns.subscribe_url(confirmation(topic, CONFIRM), "") == CONFIRM
    local = CONFIRM.replace("https://sns.us-east-1.amazonaws.com", "http://localhost:4566")
    assert sns.subscribe_url(confirmation(topic, local), "http://localhost:4566") == local


PLACES = [
    ("aws", "eu-west-1", "sns.eu-west-1.amazonaws.com"),
    ("aws-cn", "cn-north-1", "sns.cn-north-1.amazonaws.com.cn"),
    ("aws-us-gov", "us-gov-west-1", "sns.us-gov-west-1.amazonaws.com"),
]


@pytest.mark.parametrize(("partition", "region", "host"), PLACES)
def test_every_partition_has_its_own_host_of_sns(topic: Topic, partition: str, region: str, host: str) -> None:
    arn = f"arn:{partition}:sns:{region}:{ACCOUNT}:gatehouse-launches"
    theirs = f"https://{host}/SimpleNotificationService-0123456789abcdef.pem"
    topic.served[theirs] = certificate()
    signed = topic.notification("hello", NOW, TopicArn=arn)
    message = opened(signed | {"SigningCertURL": theirs})
    assert (message.message, message.account) == ("hello", ACCOUNT)
    with pytest.raises(sns.Forged, match="certificate host"):
        opened(signed)
    url = f"https://{host}/?Action=ConfirmSubscription&TopicArn={arn}&Token=abc"
    assert sns.subscribe_url(replace(message, subscribe_url=url), "") == url
    with pytest.raises(sns.Forged, match="subscribe host"):
        sns.subscribe_url(replace(message, subscribe_url=url.replace(host, "sns.us-east-1.amazonaws.com")), "")


def test_a_topic_whose_region_is_not_of_its_partition_is_none(topic: Topic) -> None:
    for arn in (TOPIC.replace("arn:aws:", "arn:aws-cn:"), TOPIC.replace("us-east-1", "cn-north-1")):
        with pytest.raises(sns.Forged, match=r"^topic$"):
            opened(topic.notification("hello", NOW, TopicArn=arn))


@pytest.mark.parametrize(
    "url",
    [
        CONFIRM.replace("https", "http"),
        CONFIRM.replace("us-east-1", "us-west-2", 1),
        CONFIRM.replace("amazonaws.com/", "amazonaws.com.cn/"),
        CONFIRM.replace("amazonaws.com", "amazonaws.com.evil.example"),
        CONFIRM.replace("amazonaws.com/", "amazonaws.com@evil.example/"),
        CONFIRM.replace("amazonaws.com/", "amazonaws.com:80/"),
        CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
        CONFIRM.replace(ACCOUNT, "444455556666"),
        CONFIRM + "&Action=DeleteTopic",
        CONFIRM + "&TopicArn=other",
        CONFIRM + "\r\nX: y",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:4566@evil.example/?Action=ConfirmSubscription",
        "",
    ],
)
def test_no_other_confirmation_url_is_called(topic: Topic, url: str) -> None:
    with pytest.raises(sns.Forged):
        sns.subscribe_url(confirmation(topic, url), "http://localhost:4566")


def test_the_development_certificate_origin_is_one_exact_origin(topic: Topic, settings: Any) -> None:
    settings.GATEHOUSE_DEV_CERT_ORIGIN = "http://localhost:4566"
    url = "http://localhost:4566/_gatehouse/sns/certificate.pem"
    topic.served[url] = certificate()
    assert opened(topic.notification("hello", NOW) | {"SigningCertURL": url}).message == "hello"
    for other in (
        url.replace("4566", "45660"),
        url.replace("localhost", "localhost.evil.example"),
        url.replace("//localhost", "//x@localhost"),
    ):
        with pytest.raises(sns.Forged, match="certificate host"):
            opened(topic.notification("hello", NOW) | {"SigningCertURL": other})
