"""Which URLs the desk would call: only CloudFormation's own, for exactly this stack."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals import awsurls
from approvals.choices import HoldKind

GUID = "6c7f3a10-1b1c-11ef-8f5b-0affc2c4d3a1"
DEV = "http://localhost:4566"
WAIT, RESPONSE = HoldKind.WAIT_HANDLE, HoldKind.RESPONSE


def stack_id(
    region: str = "us-east-1", partition: str = "aws", name: str = "SC-111122223333-pp-abc", guid: str = GUID
) -> str:
    return f"arn:{partition}:cloudformation:{region}:111122223333:stack/{name}/{guid}"


def wait_path(stack: str, tail: str = "/ApprovalHandle") -> str:
    return "/" + quote(stack, safe="/") + tail


QUERY = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261122T100000Z&X-Amz-Expires=43199&X-Amz-Signature=5ec4e7"
GOOD_HOST = "cloudformation-waitcondition-us-east-1.s3.amazonaws.com"
GOOD = f"https://{GOOD_HOST}{wait_path(stack_id())}{QUERY}"


def reason(url: str, *, kind: HoldKind = WAIT, stack: str | None = None, dev_origin: str = "") -> str:
    return awsurls.unusable_reason(url, kind=kind, stack_id=stack or stack_id(), dev_origin=dev_origin)


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "us-east-1", "cloudformation-waitcondition-us-east-1.s3.amazonaws.com"),
        ("aws", "us-west-2", "cloudformation-waitcondition-us-west-2.s3-us-west-2.amazonaws.com"),
        ("aws", "eu-west-3", "cloudformation-waitcondition-eu-west-3.s3.eu-west-3.amazonaws.com"),
        ("aws", "ap-southeast-4", "cloudformation-waitcondition-ap-southeast-4.s3.ap-southeast-4.amazonaws.com"),
        ("aws-cn", "cn-north-1", "cloudformation-waitcondition-cn-north-1.s3.cn-north-1.amazonaws.com.cn"),
        ("aws-cn", "cn-northwest-1", "cloudformation-waitcondition-cn-northwest-1.s3.cn-northwest-1.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-west-1", "cloudformation-waitcondition-us-gov-west-1.s3-us-gov-west-1.amazonaws.com"),
        ("aws-us-gov", "us-gov-east-1", "cloudformation-waitcondition-us-gov-east-1.s3.us-gov-east-1.amazonaws.com"),
    ],
)
def test_the_wait_urls_of_every_partition_are_usable(partition: str, region: str, host: str) -> None:
    stack = stack_id(region, partition)
    for tail in ("/ApprovalHandle", f"/{GUID}/ApprovalHandle"):
        assert reason(f"https://{host}{wait_path(stack, tail)}{QUERY}", stack=stack) == ""
    assert reason(f"https://{host}:443{wait_path(stack)}{QUERY}", stack=stack) == ""


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "us-east-1", "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"),
        ("aws", "us-west-2", "cloudformation-custom-resource-response-uswest2.s3-us-west-2.amazonaws.com"),
        ("aws-cn", "cn-north-1", "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_response_urls_are_usable_as_responses_only(partition: str, region: str, host: str) -> None:
    stack = stack_id(region, partition)
    url = f"https://{host}/{quote(stack, safe='/')}%7CApprovalRequest%7C{GUID}{QUERY}"
    assert reason(url, kind=RESPONSE, stack=stack) == ""
    assert reason(url, kind=WAIT, stack=stack) == awsurls.FOREIGN_HOST


def test_a_development_url_is_usable_only_from_the_one_origin() -> None:
    url = f"{DEV}/cloudformation-waitcondition-us-east-1{wait_path(stack_id())}{QUERY}"
    assert reason(url, dev_origin=DEV) == ""
    assert reason(url) == awsurls.NOT_HTTPS
    assert reason(url, dev_origin="http://localhost:4567") == awsurls.NOT_HTTPS
    assert reason(url.replace("localhost", "127.0.0.1"), dev_origin=DEV) == awsurls.NOT_HTTPS
    assert reason(url.replace("localhost:4566", "localhost:4566@evil.example"), dev_origin=DEV) != ""
    assert reason(url.replace("us-east-1/", "eu-west-1/", 1), dev_origin=DEV) == awsurls.OTHER_STACK
    assert reason(url.replace("cloudformation-waitcondition", "my-bucket"), dev_origin=DEV) == awsurls.OTHER_STACK
    assert reason(f"{DEV}{wait_path(stack_id())}", dev_origin=DEV) == awsurls.OTHER_STACK


P = wait_path(stack_id())
HOSTILE = [
    # Another scheme.
    f"http://{GOOD_HOST}{P}{QUERY}",
    f"ftp://{GOOD_HOST}{P}",
    f"gopher://{GOOD_HOST}{P}",
    f"file://{P}",
    "file:///etc/passwd",
    f"//{GOOD_HOST}{P}",
    f"{GOOD_HOST}{P}",
    f"javascript:alert(1)//{GOOD_HOST}{P}",
    f"data:text/plain,{P}",
    f"https:{GOOD_HOST}{P}",
    f"https:///{GOOD_HOST}{P}",
    f" {GOOD}",
    f"{GOOD} ",
    "",
    "https://",
    # Addresses of machines.
    *(
        f"https://{address}{P}{QUERY}"
        for address in (
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "0",
            "localhost",
            "[::1]",
            "[::ffff:169.254.169.254]",
            "[fd00:ec2::254]",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.169.254.nip.io",
            "metadata.google.internal",
            "2852039166",
            "10.0.0.1",
            "[::]",
        )
    ),
    # Hosts that look right.
    f"https://{GOOD_HOST}.evil.example{P}",
    f"https://{GOOD_HOST}.{P}",
    f"https://evil.example/{GOOD_HOST}{P}",
    f"https://evil.example#@{GOOD_HOST}{P}",
    f"https://evil.example?@{GOOD_HOST}{P}",
    f"https://evil.example\\@{GOOD_HOST}{P}",
    f"https://{GOOD_HOST}@evil.example{P}",
    f"https://user@{GOOD_HOST}{P}",
    f"https://user:pass@{GOOD_HOST}{P}",
    f"https://@{GOOD_HOST}{P}",
    f"https://{GOOD_HOST}:80{P}",
    f"https://{GOOD_HOST}:8443{P}",
    f"https://{GOOD_HOST}:0443{P}",
    f"https://{GOOD_HOST}:{P}",
    f"https://{GOOD_HOST}:443:443{P}",
    f"https://{GOOD_HOST.upper()}{P}",
    f"https://{GOOD_HOST.replace('.', '%2e')}{P}",
    f"https://{GOOD_HOST.replace('.', '。')}{P}",
    f"https://{GOOD_HOST.replace('.', '․', 1)}{P}",
    f"https://{GOOD_HOST.replace('cloud', 'ⅽloud')}{P}",
    f"https://x{GOOD_HOST}{P}",
    f"https://x.{GOOD_HOST}{P}",
    f"https://s3.amazonaws.com/cloudformation-waitcondition-us-east-1{P}",
    f"https://attacker.s3.amazonaws.com{P}",
    f"https://cloudformation-waitcondition-us-east-1x.s3.amazonaws.com{P}",
    f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com.cn{P}",
    f"https://cloudformation-waitcondition-us-east-1.s3.dualstack.us-east-1.amazonaws.com{P}",
    f"https://cloudformation-waitcondition-us-east-1.s3-website-us-east-1.amazonaws.com{P}",
    f"https://cloudformation-waitcondition-us-east-1.s3.us-west-2.amazonaws.com{P}",
    f"https://cloudformation-waitcondition-us-west-2.s3.us-east-1.amazonaws.com{P}",
    f"https://cloudformation-waitcondition-us-west-2.s3-us-west-2.amazonaws.com{P}",
    f"https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com{P}",
    f"https://cloudformation-waitcondition-useast1.s3.amazonaws.com{P}",
    f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.evil.com{P}",
    f"https://cloudformation-waitcondition-us-east-1-s3.amazonaws.com{P}",
    f"https://localhost:4566/cloudformation-waitcondition-us-east-1{P}",
    # The right host, another object.
    f"https://{GOOD_HOST}/",
    f"https://{GOOD_HOST}",
    f"https://{GOOD_HOST}{wait_path(stack_id(), '')}",
    f"https://{GOOD_HOST}{wait_path(stack_id(), '/')}",
    f"https://{GOOD_HOST}{wait_path(stack_id(), '-2/ApprovalHandle')}",
    f"https://{GOOD_HOST}{wait_path(stack_id(guid=GUID + '0'))}",
    f"https://{GOOD_HOST}{wait_path(stack_id(name='SC-111122223333-pp-abd'))}",
    f"https://{GOOD_HOST}{wait_path(stack_id('us-west-2'))}",
    f"https://{GOOD_HOST}{wait_path(stack_id().replace('111122223333', '444455556666', 1))}",
    f"https://{GOOD_HOST}/x{P}",
    f"https://{GOOD_HOST}/{P}",
    f"https://{GOOD_HOST}{P}/../../other/H",
    f"https://{GOOD_HOST}{P}/a/b",
    f"https://{GOOD_HOST}{P}%2f..%2fother",
    f"https://{GOOD_HOST}{P}%00",
    f"https://{GOOD_HOST}{P}%0d%0aHost:%20evil",
    f"https://{GOOD_HOST}{P.replace('%3A', '%253A')}",
    f"https://{GOOD_HOST}{P}%",
    f"https://{GOOD_HOST}{P}%zz",
    f"https://{GOOD_HOST}{P}|Logical|{GUID}",
    f"https://{GOOD_HOST}?{P}",
    # What a client may read in two ways.
    f"{GOOD}#fragment",
    f"{GOOD}\r\nHost: evil.example",
    f"{GOOD}\n",
    GOOD.replace("https://", "https://\t"),
    GOOD.replace("/ApprovalHandle", "\\ApprovalHandle"),
    GOOD.replace("/ApprovalHandle", "/Approval Handle"),
    f"{GOOD}\x00",
    f"{GOOD}é",
    f"{GOOD}\u202e",
    f"{GOOD}&x=" + "a" * 8192,
]


def test_there_are_enough_hostile_urls() -> None:
    assert len(set(HOSTILE)) >= 90


@pytest.mark.parametrize("url", HOSTILE)
@pytest.mark.parametrize("kind", HoldKind)
def test_hostile_urls_are_unusable(url: str, kind: HoldKind) -> None:
    why = reason(url, kind=kind)
    assert why
    assert "evil" not in why


@pytest.mark.parametrize(
    "stack",
    [
        "",
        "arn:aws:s3:::bucket",
        "arn:aws:cloudformation:us-east-1:111122223333:stack/x",
        "arn:aws:cloudformation:cn-north-1:111122223333:stack/x/y",
        "arn:aws-cn:cloudformation:us-east-1:111122223333:stack/x/y",
        "arn:aws-us-gov:cloudformation:us-east-1:111122223333:stack/x/y",
        "arn:aws:cloudformation:us-gov-west-1:111122223333:stack/x/y",
        "arn:aws-iso:cloudformation:us-iso-east-1:111122223333:stack/x/y",
        "arn:aws:cloudformation:us-iso-east-1:111122223333:stack/x/y",
        "arn:aws:cloudformation:us-east-1:1111:stack/x/y",
        f"{stack_id()}\n",
        f"{stack_id()}/x",
    ],
)
def test_what_is_no_stack_of_a_known_partition_has_no_usable_url(stack: str) -> None:
    assert awsurls.unusable_reason(GOOD, kind=WAIT, stack_id=stack) == awsurls.NO_STACK


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_url_is_usable_unless_its_host_is_one_of_three(host: str, path: str) -> None:
    url = f"https://{host}{path}"
    if reason(url) == "":
        assert url.startswith("https://cloudformation-waitcondition-us-east-1.s3")


@given(st.integers(min_value=8, max_value=len(GOOD) - len(QUERY) - 1), st.characters(codec="utf-8"))
def test_changing_one_character_of_host_or_path_never_reaches_another_object(at: int, by: str) -> None:
    url = GOOD[:at] + by + GOOD[at + 1 :]
    if reason(url) == "":
        # The handle's name at the end may differ (it is this stack's all the same), and how a letter is escaped.
        assert unquote(url).startswith(unquote(f"https://{GOOD_HOST}{wait_path(stack_id(), '/')}"))


@given(st.text(max_size=200))
def test_expiry_answers_for_any_text(text: str) -> None:
    awsurls.expiry(f"https://x/?{text}")
    awsurls.expiry(text)


def test_the_expiry_is_read_from_either_signature() -> None:
    assert awsurls.expiry(GOOD) == datetime(2026, 11, 22, 21, 59, 59, tzinfo=UTC)
    assert awsurls.expiry("https://x/?AWSAccessKeyId=A&Expires=1795341600&Signature=s") == datetime(
        2026, 11, 22, 10, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "query",
    [
        "",
        "Expires=",
        "Expires=-1",
        "Expires=99999999999999999999",
        "Expires=nan",
        "Expires=1795341600&Expires=1",
        "X-Amz-Date=20261122T100000Z",
        "X-Amz-Date=20261122T100000Z&X-Amz-Expires=0",
        "X-Amz-Date=20261122T100000Z&X-Amz-Expires=9999999",
        "X-Amz-Date=20261322T100000Z&X-Amz-Expires=60",
        "X-Amz-Date=x&X-Amz-Expires=60",
        "X-Amz-Date=20261122T100000Z&X-Amz-Expires=1&X-Amz-Expires=2",
        "X-Amz-Date=99991231T235959Z&X-Amz-Expires=604800",
        "&" * 200,
    ],
)
def test_an_expiry_that_makes_no_sense_is_none(query: str) -> None:
    assert awsurls.expiry(f"https://x/?{query}") is None


def test_the_deadline_is_the_earlier_end_less_a_margin() -> None:
    start = datetime(2026, 11, 22, 10, tzinfo=UTC)
    hours = timedelta(hours=1)
    assert awsurls.deadline(started=start, timeout=42600, expires_at=None) == start + timedelta(seconds=42600 - 300)
    assert awsurls.deadline(started=start, timeout=43200, expires_at=start + hours) == start + timedelta(
        seconds=3600 - 180
    )
    assert awsurls.deadline(started=start, timeout=60, expires_at=start + hours) == start + timedelta(seconds=57)
    assert awsurls.deadline(started=start, timeout=60, expires_at=start - hours) == start - hours


@given(st.integers(1, 43200), st.one_of(st.none(), st.integers(-90000, 90000)))
def test_the_deadline_is_never_after_the_end_nor_far_before_it(timeout: int, expires: int | None) -> None:
    start = datetime(2026, 11, 22, 10, tzinfo=UTC)
    at = start + timedelta(seconds=expires) if expires is not None else None
    end = min(start + timedelta(seconds=timeout), at or datetime.max.replace(tzinfo=UTC))
    assert end - timedelta(minutes=5) <= awsurls.deadline(started=start, timeout=timeout, expires_at=at) <= end


def test_a_wait_is_recognised_whatever_its_signature() -> None:
    key = awsurls.dedupe_key(stack_id(), GOOD)
    assert key == awsurls.dedupe_key(stack_id(), GOOD.replace("5ec4e7", "0ther"))
    assert key != awsurls.dedupe_key(stack_id(), GOOD.replace("ApprovalHandle", "OtherHandle"))
    assert key != awsurls.dedupe_key(stack_id() + "0", GOOD)
    assert len(key) == 64


@pytest.mark.parametrize(
    "change",
    [("%3A", "%3a"), ("%3A", ":"), ("ApprovalHandle", "%41pprovalHandl%65"), (".s3.", ".s3.us-east-1.")],
)
def test_a_wait_is_recognised_however_its_path_is_escaped(change: tuple[str, str]) -> None:
    other = GOOD.replace(*change)
    assert other != GOOD
    assert reason(other) == ""
    assert awsurls.dedupe_key(stack_id(), other) == awsurls.dedupe_key(stack_id(), GOOD)


def test_urls_that_lead_nowhere_are_told_apart() -> None:
    assert len({awsurls.dedupe_key(stack_id(), url) for url in ("", "a", "b", "https://x/c", "https://x/d")}) == 5
