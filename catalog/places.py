"""Which accounts and regions are watched. The rules about a place are here; who may change one is not."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db.models import Q

from catalog import aws, partitions
from catalog.models import Place, SyncRun
from catalog.models.places import Result

# However many nameless requests come, a catalogue is not read more often for them.
_NOT_AGAIN_WITHIN = timedelta(minutes=1)
_ROLE = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):role/[\w+=,.@/-]{1,576}", re.ASCII)
_log = logging.getLogger(__name__)


def ensure(now: datetime, known: Collection[tuple[str, str]] = ()) -> None:
    """Have a place for the desk's own account and region, and for every account it may read.

    `known`: (account, region) where launches came from. An account without any is looked at in the desk's own
    region. What somebody switched off stays off.
    """
    try:
        accounts = aws.readable_accounts()
        own = aws.own_region()
    except (ClientError, BotoCoreError) as error:
        _log.warning("who we are cannot be told", extra={"error": type(error).__name__})
        return
    wanted = {(account, region) for account, region in known if account in accounts} | {(accounts[0], own)}
    watched = set(Place.objects.values_list("account", "region"))
    seen = {account for account, _region in wanted | watched}
    wanted |= {(account, own) for account in accounts if account not in seen}
    Place.objects.bulk_create(
        [Place(account=account, region=region, created_at=now, next_at=now) for account, region in wanted - watched],
        ignore_conflicts=True,
    )


def hurry(now: datetime, since: datetime) -> None:
    """Read at once where nothing was read since then."""
    stale = Q(begun_at__isnull=True) | Q(begun_at__lt=min(since, now - _NOT_AGAIN_WITHIN))
    Place.objects.filter(stale, enabled=True, next_at__gt=now).update(next_at=now)


def switch(place: Place, *, on: bool, now: datetime) -> None:
    """Inside the caller's transaction. What is being read there is stopped; what was read stays."""
    Place.objects.filter(pk=place.pk).update(enabled=on, next_at=now)
    if not on:
        SyncRun.objects.open().filter(place=place).update(
            finished_at=now, heartbeat_at=None, resume_at=None, result=Result.STOPPED, error="switched_off"
        )


def ask(place: Place, now: datetime) -> None:
    """Have it read at once, also what would otherwise be believed for some hours."""
    Place.objects.filter(pk=place.pk).update(next_at=now, thorough=True)
    SyncRun.objects.open().filter(place=place).update(resume_at=None)


def role_of(place: Place) -> str:
    """The role that is taken there, as far as the settings say; empty where the desk reads with its own."""
    if place.role_arn or place.account not in settings.GATEHOUSE_READER_ACCOUNTS:
        return place.role_arn
    return aws.reader_role(place.account, place.region)


@cache
def regions() -> frozenset[str]:
    """Every region where there is a Service Catalog, in all partitions."""
    session = boto3.session.Session()
    names = (one.name for one in (partitions.COMMERCIAL, partitions.CHINA, partitions.GOVCLOUD))
    return frozenset(
        region for name in names for region in session.get_available_regions("servicecatalog", partition_name=name)
    )


def is_role_of(arn: str, account: str, region: str) -> bool:
    found = _ROLE.fullmatch(arn)
    return found is not None and found["account"] == account and found["partition"] == partitions.of_region(region).name
