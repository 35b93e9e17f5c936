"""The factory of AWS clients: whose credentials a client uses, and what it costs when it has none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from catalog import aws

OWN, SPOKE, FOREIGN = "111122223333", "444455556666", "999988887777"


class Sts:
    """Gives sessions of `minutes`, or refuses; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.minutes, self.refuses = 60, ""

    def assume_role(self, **asked: str) -> dict[str, Any]:
        self.asked.append(asked)
        if self.refuses:
            raise ClientError({"Error": {"Code": self.refuses, "Message": "secret words"}}, "AssumeRole")
        number = len(self.asked)
        return {
            "Credentials": {
                "AccessKeyId": f"ASIA{number:016d}",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": datetime.now(UTC) + timedelta(minutes=self.minutes),
            }
        }


def forget() -> None:
    aws._client.cache_clear()
    aws._reading.cache_clear()


@pytest.fixture
def sts(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    settings.GATEHOUSE_READER_ACCOUNTS, settings.GATEHOUSE_READER_EXTERNAL_ID = [SPOKE], "desk-1"
    monkeypatch.setattr(aws, "own_account", lambda: OWN)
    fake, real = Sts(), aws.client
    monkeypatch.setattr(aws, "client", lambda service, *where: fake if service == "sts" else real(service, *where))
    forget()
    yield fake
    forget()


def key_of(client: Any) -> str:
    """The access key this client signs with now."""
    return str(client._request_signer._credentials.get_frozen_credentials().access_key)


def test_the_own_account_needs_no_role(sts: Sts) -> None:
    assert aws.client("cloudformation", "us-east-1", OWN) is aws.client("cloudformation", "us-east-1")
    assert sts.asked == []


def test_a_spoke_is_read_as_its_reading_role(sts: Sts) -> None:
    client = aws.client("cloudformation", "eu-west-1", SPOKE)
    assert client.meta.region_name == "eu-west-1"
    assert sts.asked == [], "nothing is assumed before it is used"
    assert key_of(client) == "ASIA0000000000000001"
    role = f"arn:aws:iam::{SPOKE}:role/gatehouse-desk-reader-eu-west-1"
    assert sts.asked == [{"RoleArn": role, "RoleSessionName": "gatehouse-desk", "ExternalId": "desk-1"}]


def test_all_clients_of_one_place_share_a_session(sts: Sts) -> None:
    keys = {key_of(aws.client(service, "us-east-1", SPOKE)) for service in ("cloudformation", "cloudtrail", "logs")}
    assert len(keys) == len(sts.asked) == 1
    assert key_of(aws.client("logs", "eu-west-1", SPOKE)) not in keys


def test_a_session_is_renewed_before_it_ends(sts: Sts) -> None:
    sts.minutes = 5
    client = aws.client("cloudformation", "us-east-1", SPOKE)
    assert [key_of(client), key_of(client)] == ["ASIA0000000000000001", "ASIA0000000000000002"]
    sts.minutes = 60
    assert key_of(client) == key_of(client) == "ASIA0000000000000003"


def test_many_threads_make_one_session(sts: Sts) -> None:
    together = threading.Barrier(16)

    def use(_: int) -> str:
        together.wait(10)
        return key_of(aws.client("cloudformation", "us-east-1", SPOKE))

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(use, range(16))) == {"ASIA0000000000000001"}


def test_any_other_account_is_refused_by_name(sts: Sts) -> None:
    with pytest.raises(aws.NoReadingRole, match=FOREIGN):
        aws.client("cloudformation", "us-east-1", FOREIGN)
    assert issubclass(aws.NoReadingRole, BotoCoreError), "whoever survives AWS's silence survives this"
    assert sts.asked == []


def test_a_role_that_refuses_is_left_alone_for_a_while(sts: Sts, monkeypatch: pytest.MonkeyPatch) -> None:
    sts.refuses = "AccessDenied"
    client = aws.client("cloudformation", "us-east-1", SPOKE)
    for _ in range(5):
        with pytest.raises(aws.RoleRefused, match="AccessDenied") as refused:
            client.list_stacks()
        assert "secret words" not in str(refused.value)
    assert len(sts.asked) == 1
    sts.refuses = ""
    monkeypatch.setattr(aws, "REST", 0.0)
    assert key_of(client) == "ASIA0000000000000002"


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_the_role_is_named_in_its_partition(region: str, partition: str) -> None:
    role = f"arn:{partition}:iam::{SPOKE}:role/gatehouse-desk-reader-{region}"
    assert aws.reader_role(SPOKE, region) == role


def test_the_readable_accounts_are_the_own_one_and_the_listed(sts: Sts, settings: Any) -> None:
    settings.GATEHOUSE_READER_ACCOUNTS = [SPOKE, OWN, SPOKE]
    assert aws.readable_accounts() == [OWN, SPOKE]
