"""Which URLs the functions may write to: CloudFormation's own buckets, of the stack, and no other."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.shared import Refused, Stack, key_of
from tests.lambdas.cloud import STACK_ID

BUCKET = "cloudformation-waitcondition-"


def stack(partition: str, region: str) -> Stack:
    return Stack(
        f"arn:{partition}:cloudformation:{region}:111122223333:stack/SC-x/guid",
        partition,
        region,
        "111122223333",
        "SC-x",
    )


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "us-east-1", f"{BUCKET}us-east-1.s3.amazonaws.com"),
        ("aws", "us-west-2", f"{BUCKET}us-west-2.s3-us-west-2.amazonaws.com"),
        ("aws", "eu-west-3", f"{BUCKET}eu-west-3.s3.eu-west-3.amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", f"{BUCKET}us-gov-west-1.s3.us-gov-west-1.amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", f"{BUCKET}us-gov-west-1.s3-us-gov-west-1.amazonaws.com"),
        ("aws-cn", "cn-north-1", f"{BUCKET}cn-north-1.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_every_partition_has_its_own_hosts(partition: str, region: str, host: str) -> None:
    assert key_of(f"https://{host}/a%7Cb?X=1", stack(partition, region), BUCKET + region) == "a|b"
    for other in ("aws", "aws-us-gov", "aws-cn"):
        if (other, region) != (partition, region):
            with pytest.raises(Refused):
                key_of(f"https://{host}.cn/a", stack(partition, region), BUCKET + region)


@pytest.mark.parametrize(
    "url",
    [
        "http://{host}/k",
        "ftp://{host}/k",
        "//{host}/k",
        "https://{host}:443/k",
        "https://{host}:8443/k",
        "https://user@{host}/k",
        "https://{host}@evil.example.com/k",
        "https://evil.example.com/{host}/k",
        "https://{host}.evil.example.com/k",
        "https://evil-{host}/k",
        "https://{host}\\@evil.example.com/k",
        "https://{host}/k#fragment",
        "https://{host}/k\r\nHost: evil.example.com",
        "https://{host}/k\t",
        " https://{host}/k",
        "https://{host}/k\u2028",
        "https://[{host}/k",
        "https://{host}.cn/k",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost:4566/k",
        "file:///etc/passwd",
        "",
        "https://{host}/" + "k" * 9000,
    ],
)
def test_hostile_urls_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEV_ORIGIN", raising=False)
    host = f"{BUCKET}us-east-1.s3.amazonaws.com"
    with pytest.raises(Refused):
        key_of(url.format(host=host), stack("aws", "us-east-1"), f"{BUCKET}us-east-1")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4567/{bucket}/k",
        "http://localhost:4566.evil.example.com/{bucket}/k",
        "http://localhost:4566@evil.example.com/{bucket}/k",
        "https://localhost:4566/{bucket}/k",
        "http://127.0.0.1:4566/{bucket}/k",
        "http://localhost:4566/other/k",
        "http://localhost:4566/{bucket}-other/k",
        "http://localhost:4566/../{bucket}/k",
    ],
)
def test_the_development_origin_is_one_exact_origin(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEV_ORIGIN", "http://localhost:4566")
    bucket = f"{BUCKET}us-east-1"
    assert key_of(f"http://localhost:4566/{bucket}/a%20b", stack("aws", "us-east-1"), bucket) == "a b"
    with pytest.raises(Refused):
        key_of(url.format(bucket=bucket), stack("aws", "us-east-1"), bucket)


@given(st.text(max_size=80) | st.none() | st.integers() | st.lists(st.text()))
@example(f"https://{BUCKET}us-east-1.s3.amazonaws.com")
def test_any_other_value_is_refused_in_words(url: object) -> None:
    with pytest.raises(Refused, match=r"^A URL in the event [a-zA-Z ]+\.$"):
        key_of(url, stack("aws", "us-east-1"), f"{BUCKET}us-east-1")


def test_a_key_is_decoded_once() -> None:
    host = f"{BUCKET}us-east-1.s3.amazonaws.com"
    key = quote(quote(STACK_ID, safe=""), safe="")
    assert key_of(f"https://{host}/{key}", stack("aws", "us-east-1"), f"{BUCKET}us-east-1") == quote(STACK_ID, safe="")
