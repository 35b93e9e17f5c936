"""The one factory of AWS clients. Time-outs are short because a person or a stack waits on the other side.

A client acts in the process's own account, or, in an account of GATEHOUSE_READER_ACCOUNTS, as the reading role
that the spoke's template makes there for each region (aws-facts §9). Nothing else of another account can be
reached: asking for it raises `NoReadingRole`.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from catalog import partitions

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_servicecatalog import ServiceCatalogClient
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

SESSION_NAME = "gatehouse-desk"
# How long a role that could not be assumed is left alone: AWS logs every refusal in two accounts.
REST = 300.0
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"total_max_attempts": 3, "mode": "adaptive"},
    max_pool_connections=32,
)
# A long poll of 20 s must not be cut off by the client.
_LONG_POLL = _CONFIG.merge(Config(read_timeout=30))
_making = threading.Lock()
_log = logging.getLogger(__name__)


class NoReadingRole(BotoCoreError):
    """The desk may not act in this account. A BotoCoreError: whoever survives an AWS that does not answer
    survives this too."""

    fmt = "The desk has no reading role in account {account}: GATEHOUSE_READER_ACCOUNTS does not list it."


class RoleRefused(BotoCoreError):
    """AWS did not let the desk assume a reading role: it is missing, or trusts another role or external id."""

    fmt = "The role {role} cannot be assumed: {error}"


@overload
def client(service: Literal["apigatewayv2"], region: str = "", account: str = "") -> ApiGatewayV2Client: ...
@overload
def client(service: Literal["cloudformation"], region: str = "", account: str = "") -> CloudFormationClient: ...
@overload
def client(service: Literal["cloudtrail"], region: str = "", account: str = "") -> CloudTrailClient: ...
@overload
def client(service: Literal["cloudwatch"], region: str = "", account: str = "") -> CloudWatchClient: ...
@overload
def client(service: Literal["dynamodb"], region: str = "", account: str = "") -> DynamoDBClient: ...
@overload
def client(service: Literal["events"], region: str = "", account: str = "") -> EventBridgeClient: ...
@overload
def client(service: Literal["iam"], region: str = "", account: str = "") -> IAMClient: ...
@overload
def client(service: Literal["kms"], region: str = "", account: str = "") -> KMSClient: ...
@overload
def client(service: Literal["lambda"], region: str = "", account: str = "") -> LambdaClient: ...
@overload
def client(service: Literal["logs"], region: str = "", account: str = "") -> CloudWatchLogsClient: ...
@overload
def client(service: Literal["s3"], region: str = "", account: str = "") -> S3Client: ...
@overload
def client(service: Literal["servicecatalog"], region: str = "", account: str = "") -> ServiceCatalogClient: ...
@overload
def client(service: Literal["ses"], region: str = "", account: str = "") -> SESClient: ...
@overload
def client(service: Literal["sesv2"], region: str = "", account: str = "") -> SESV2Client: ...
@overload
def client(service: Literal["sns"], region: str = "", account: str = "") -> SNSClient: ...
@overload
def client(service: Literal["sqs"], region: str = "", account: str = "") -> SQSClient: ...
@overload
def client(service: Literal["sts"], region: str = "", account: str = "") -> STSClient: ...
def client(service: Any, region: str = "", account: str = "") -> Any:
    """A client in the process's own account, or in `account`. Cached and thread-safe.

    Raises NoReadingRole for an account that is neither the own one nor listed, and botocore's errors where
    `account` is given and it cannot be told who we are. The role is assumed at the client's first call, which
    raises RoleRefused where that fails.
    """
    if not account or account == own_account():
        return _client(service, region, "")
    return client_as(reader_role(account, region or own_region()), service, region, account)


def client_as(role: str, service: str, region: str, account: str) -> Any:
    """A client in `account` as this role, which is not the one that the spoke's template makes there.

    Raises NoReadingRole for an account that is not listed, whatever its role.
    """
    if account not in settings.GATEHOUSE_READER_ACCOUNTS:
        raise NoReadingRole(account=account)
    return _client(service, region, role)


def client_as_publisher(service: str, region: str) -> Any:
    """A client as the role that publishes versions in the desk's own account. Only the worker may take it."""
    return _client(service, region, settings.GATEHOUSE_PUBLISHER_ROLE)


@lru_cache(maxsize=256)
def _client(service: str, region: str, role: str) -> Any:
    config = _LONG_POLL if service == "sqs" else _CONFIG
    # Clients may be used by many threads; sessions may not be, not even to make clients.
    with _making:
        session = _reading(role, region) if role else boto3.session.Session()
        return session.client(service, region_name=region or None, config=config)  # type: ignore[call-overload]


@lru_cache(maxsize=64)
def _reading(role: str, region: str) -> boto3.session.Session:
    """A session of a reading role; every client of one role and region shares its credentials."""
    inner = botocore.session.get_session()
    inner.register_component("credential_provider", CredentialResolver([_ReadingRole(role)]))
    return boto3.session.Session(botocore_session=inner, region_name=region or own_region())


@lru_cache(maxsize=1)
def own_region() -> str:
    """The region this process acts in where none is asked for."""
    return boto3.session.Session().region_name or ""


class _ReadingRole(CredentialProvider):
    """Credentials that are asked for when first used and renewed, under a lock of their own, before they expire."""

    METHOD = CANONICAL_NAME = "gatehouse-desk-reader"

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self._refused, self._refused_at = "", -inf

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(refresh_using=self._assume, method=self.METHOD)

    def _assume(self) -> dict[str, str]:
        if time.monotonic() < self._refused_at + REST:
            raise RoleRefused(role=self._role, error=self._refused)
        try:
            return self._ask()
        except ClientError as error:
            self._refused, self._refused_at = code_of(error), time.monotonic()
            _log.warning("a role cannot be assumed", extra={"role": self._role, "error": self._refused})
            raise RoleRefused(role=self._role, error=self._refused) from None

    def _ask(self) -> dict[str, str]:
        # The publishing role is in our own account and trusts our worker: there is no third party to confuse us.
        own = self._role == settings.GATEHOUSE_PUBLISHER_ROLE
        external = {} if own else {"ExternalId": settings.GATEHOUSE_READER_EXTERNAL_ID}
        asked: Any = {"RoleArn": self._role, "RoleSessionName": SESSION_NAME, **external}
        given = client("sts").assume_role(**asked)["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }


def code_of(error: ClientError) -> str:
    """AWS's word for what went wrong; its sentence may quote anything."""
    return error.response["Error"].get("Code", "")


def reader_role(account: str, region: str) -> str:
    """The ARN of the reading role that lambdas/spoke.yaml makes in an account and region."""
    return f"arn:{partitions.of_region(region).name}:iam::{account}:role/gatehouse-desk-reader-{region}"


@lru_cache(maxsize=1)
def own_account() -> str:
    """The account this process acts in. Raises botocore's ClientError and BotoCoreError."""
    return client("sts").get_caller_identity()["Account"]


def readable_accounts() -> list[str]:
    """The own account first, then those with a reading role. Raises what `own_account` raises."""
    own = own_account()
    return [own, *sorted({account for account in settings.GATEHOUSE_READER_ACCOUNTS if account != own})]


def region_of(arn: str) -> str:
    """The region field of an ARN; empty for something that is none."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 5 else ""
