"""Where a check looks, and the only way it may: reading.

Invariant: nothing on AWS is changed. `Place.read` lets through operations whose names begin with a reading
verb; beside them there are verify's self-test, which that function does nothing else for, and a dry run of
signing, which KMS answers without making a signature.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from approvals.models import LaunchRequest
from catalog import aws
from catalog.rights import Forbidden

HUB, SPOKE = "gatehouse-hub", "gatehouse-spoke"
_READS = ("describe_", "filter_", "get_", "list_", "search_", "simulate_")
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"})
# Where an IAM action's prefix or name is not the client's.
_PREFIXES = {"sesv2": "ses"}
_MOST_PAGES = 50
T = TypeVar("T")


class Denied(Forbidden):
    """The right `action` is missing in `place`."""

    def __init__(self, action: str, place: Place) -> None:
        super().__init__(action)
        self.place = place


@dataclass(frozen=True, slots=True)
class Place:
    """One region of one account."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account} {self.region}"

    def client(self, service: str) -> Any:
        make: Any = aws.client
        return make(service, self.region, self.account)

    def read(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """One call. Raises Denied, and botocore's errors."""
        if not operation.startswith(_READS):
            raise ValueError(f"{operation} is not a reading operation")
        return self._call(service, operation, **arguments)

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """What all pages have under `key`; service operations with a boto3 paginator only."""
        if not operation.startswith(_READS):
            raise ValueError(f"{operation} is not a reading operation")
        client = self.client(service)
        found: list[Any] = []
        try:
            for number, page in enumerate(client.get_paginator(operation).paginate(**arguments)):
                found += page.get(key, [])
                if number >= _MOST_PAGES:
                    break
        except ClientError as error:
            raise self._told(error, service, client.meta.method_to_api_mapping[operation]) from None
        return found

    def self_test(self, function: str) -> Any:
        """Verify's own test; the response of Lambda's Invoke."""
        return self._call("lambda", "invoke", FunctionName=function, Payload=b'{"self_test": true}')

    def would_sign(self, key: str) -> str:
        """The code KMS answers to a dry run of signing; DryRunOperationException means yes."""
        try:
            self.client("kms").sign(
                KeyId=key,
                Message=b"Gatehouse doctor",
                MessageType="RAW",
                SigningAlgorithm="ECDSA_SHA_256",
                DryRun=True,
            )
        except ClientError as error:
            return code_of(error)
        # An imitation of KMS that knows no dry run.
        return "DryRunOperationException"

    def _call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        client = self.client(service)
        try:
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except ClientError as error:
            raise self._told(error, service, client.meta.method_to_api_mapping[operation]) from None
        return answer

    def _told(self, error: ClientError, service: str, api: str) -> Exception:
        if code_of(error) not in _DENIED:
            return error
        name = "InvokeFunction" if api == "Invoke" else api
        return Denied(f"{_PREFIXES.get(service, service)}:{name}", self)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack of Gatehouse's own: what it was told and what it answers with. `status` is empty without one."""

    status: str = ""
    id: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


class Round:
    """One run of the doctor: what several checks need is read once, and waited for by the others."""

    def __init__(self, now: datetime, *, by_worker: bool = False) -> None:
        self.now, self.by_worker = now, by_worker
        self._made: dict[object, Callable[[], Any]] = {}
        self._locks: dict[object, threading.Lock] = {}
        self._lock = threading.Lock()

    def once(self, key: object, make: Callable[[], T]) -> T:
        """`make()`, called at most once in this round; the others get its result, or its error."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._made:
                self._made[key] = _kept(make)
            result: T = self._made[key]()
            return result

    @property
    def home(self) -> Place:
        """The hub's account and region, the desk's own. Raises botocore's errors."""
        return self.once("home", lambda: Place(aws.own_account(), aws.client("sqs").meta.region_name))

    def others(self) -> list[Place]:
        """Where else launches came from, those the desk may not read included."""
        known = LaunchRequest.objects.order_by().values_list("account", "region").distinct()
        return sorted({Place(*row) for row in known} - {self.home}, key=str)

    def readable(self) -> list[Place]:
        """The hub's place and every other one the desk may look into."""
        accounts = set(self.once("accounts", aws.readable_accounts))
        return [self.home, *(place for place in self.others() if place.account in accounts)]


@dataclass(frozen=True, slots=True)
class Visit:
    """A check's look at one place."""

    round: Round
    place: Place | None = None

    @property
    def here(self) -> Place:
        return self.place or self.round.home

    @property
    def is_home(self) -> bool:
        return self.here == self.round.home

    @property
    def now(self) -> datetime:
        return self.round.now

    @property
    def hub(self) -> Stack:
        return self.round.once("hub", lambda: stack_of(self.round.home, HUB))

    @property
    def stack(self) -> Stack:
        """Gatehouse's stack of this place: the hub's, or a spoke's."""
        if self.is_home:
            return self.hub
        return self.round.once(("spoke", self.here), lambda: stack_of(self.here, SPOKE))


def stack_of(place: Place, name: str) -> Stack:
    try:
        found = place.read("cloudformation", "describe_stacks", StackName=name)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == "ValidationError":
            return Stack()
        raise
    return Stack(
        found["StackStatus"],
        found["StackId"],
        {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", [])},
        {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
    )


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _kept(make: Callable[[], T]) -> Callable[[], T]:
    try:
        result = make()
    except Exception as error:  # noqa: BLE001 - whoever asks next gets the same error
        caught = error

        def again() -> T:
            raise caught

        return again
    return lambda: result
