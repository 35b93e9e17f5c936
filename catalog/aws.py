"""The one factory of AWS clients. Time-outs are short because a person or a stack waits on the other side."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_servicecatalog import ServiceCatalogClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"total_max_attempts": 3, "mode": "adaptive"},
    max_pool_connections=32,
)
# A long poll of 20 s must not be cut off by the client.
_LONG_POLL = _CONFIG.merge(Config(read_timeout=30))


@overload
def client(service: Literal["cloudformation"], region: str = "") -> CloudFormationClient: ...
@overload
def client(service: Literal["kms"], region: str = "") -> KMSClient: ...
@overload
def client(service: Literal["servicecatalog"], region: str = "") -> ServiceCatalogClient: ...
@overload
def client(service: Literal["sns"], region: str = "") -> SNSClient: ...
@overload
def client(service: Literal["sqs"], region: str = "") -> SQSClient: ...
@overload
def client(service: Literal["sts"], region: str = "") -> STSClient: ...
def client(service: Any, region: str = "") -> Any:
    """A client of this process's own account, cached per service and region. Clients are thread-safe."""
    return _client(service, region)


@lru_cache(maxsize=64)
def _client(service: str, region: str) -> Any:
    config = _LONG_POLL if service == "sqs" else _CONFIG
    session = boto3.session.Session()
    return session.client(service, region_name=region or None, config=config)  # type: ignore[call-overload]


@lru_cache(maxsize=1)
def own_account() -> str:
    """The account this process acts in. Raises botocore's ClientError and BotoCoreError."""
    return client("sts").get_caller_identity()["Account"]


def region_of(arn: str) -> str:
    """The region field of an ARN; empty for something that is none."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 5 else ""
