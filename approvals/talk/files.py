"""Files of messages: checked, stored in the bucket, streamed back.

Invariant: a file is in the bucket before its row is committed, under a key nobody can guess, and without a row it is
deleted: at once where the message was refused, by `sweep` where the process died. What it is was told from its content
(`approvals.talk.sniffing`); its name is only what it is saved under.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any, TypeAlias, cast

import structlog
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import Storage, storages
from django.core.files.uploadedfile import UploadedFile

from approvals.errors import Refused, Why
from approvals.models import Attachment
from approvals.talk import names, sniffing
from catalog import aws
from portal.phrases import joined

MOST, LARGEST = 5, 10 * 1024 * 1024
# What a form with all of them may weigh, its text and boundaries included.
LARGEST_FORM = MOST * LARGEST + 512 * 1024
PREFIX = "files"
Upload: TypeAlias = "UploadedFile[Any]"
_TROUBLE = (ClientError, BotoCoreError, Boto3Error, OSError)
# As many as S3 lists at once.
_PAGE = 1000
# A message whose process died: until then somebody may be committing its row. A worker may have stood still for days.
_UNCLAIMED, _DAYS_BACK = timedelta(hours=1), 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """One file in the bucket that belongs to no message yet."""

    name: str
    content_type: str
    size: int
    sha256: str
    stored_as: str


class Unreadable(Exception):
    """The bucket does not give the file now."""


def are_on() -> bool:
    return bool(settings.GATEHOUSE_FILES_BUCKET)


@contextmanager
def stored(uploads: Sequence[Upload], now: datetime) -> Iterator[list[Stored]]:
    """Check all, store all, and delete all again when the message is refused inside the block. Raises Refused.

    After anything else nobody knows whether the rows were committed: that is left to `sweep`.
    """
    checked = _checked(uploads)
    kept: list[Stored] = []
    try:
        for upload, name, content_type in checked:
            kept.append(_store(upload, name, content_type, now))
        yield kept
    except Refused:
        _discard([one.stored_as for one in kept])
        raise


def attach(message_pk: int, files: Sequence[Stored]) -> None:
    """The rows of stored files; inside the transaction of their message."""
    Attachment.objects.bulk_create(
        Attachment(
            message_id=message_pk,
            name=one.name,
            content_type=one.content_type,
            size=one.size,
            sha256=one.sha256,
            stored_as=one.stored_as,
        )
        for one in files
    )


def opened(attachment: Attachment) -> IO[bytes]:
    """The content. Raises Unreadable."""
    try:
        file = _storage().open(attachment.stored_as)
        try:
            file.seek(0)
        except _TROUBLE:
            file.close()
            raise
    except _TROUBLE as error:
        log.warning("a file cannot be read", attachment=attachment.pk, error=type(error).__name__)
        raise Unreadable from None
    return file


def sweep(now: datetime) -> int:
    """Delete what was stored lately and belongs to no message; returns how many files that were."""
    if not are_on():
        return 0
    return sum(_sweep(now - timedelta(days=back), now - _UNCLAIMED) for back in range(_DAYS_BACK))


def _sweep(day: datetime, before: datetime) -> int:
    old = list(_listed(day, before))
    known = set(Attachment.objects.filter(stored_as__in=old).values_list("stored_as", flat=True))
    return _discard([key for key in old if key not in known])


def _checked(uploads: Sequence[Upload]) -> list[tuple[Upload, str, str]]:
    if uploads and not are_on():
        raise Refused(Why.FILES_OFF)
    if len(uploads) > MOST:
        raise Refused(Why.FILES_TOO_MANY, limit=MOST)
    return [_one(upload) for upload in uploads]


def _one(upload: Upload) -> tuple[Upload, str, str]:
    name = names.cleaned(upload.name or "")
    if not upload.size:
        raise Refused(Why.FILE_EMPTY, name=name)
    if upload.size > LARGEST:
        raise Refused(Why.FILE_TOO_LARGE, name=name, limit=LARGEST // 1024**2)
    content_type = sniffing.content_type(cast("IO[bytes]", upload), names.ending(name))
    if not content_type:
        raise Refused(Why.FILE_NOT_TAKEN, name=name, endings=joined(sniffing.ENDINGS))
    return upload, name, content_type


def _store(upload: Upload, name: str, content_type: str, now: datetime) -> Stored:
    sha256 = hashlib.sha256()
    for chunk in upload.chunks():
        sha256.update(chunk)
    key = f"{PREFIX}/{now:%Y/%m/%d}/{secrets.token_hex(24)}"
    try:
        _storage().save(key, upload)
    except _TROUBLE as error:
        log.warning("a file cannot be stored", error=type(error).__name__)
        # It may have arrived all the same.
        _discard([key])
        raise Refused(Why.FILES_DOWN) from None
    return Stored(name, content_type, upload.size or 0, sha256.hexdigest(), key)


def _discard(keys: Sequence[str]) -> int:
    """What cannot be deleted now is found by the next sweep."""
    done = 0
    for key in keys:
        try:
            _storage().delete(key)
            done += 1
        except _TROUBLE as error:
            log.warning("a file was not deleted", error=type(error).__name__)
    return done


def _listed(day: datetime, before: datetime) -> Iterator[str]:
    pages = aws.client("s3").get_paginator("list_objects_v2")
    bucket, under = settings.GATEHOUSE_FILES_BUCKET, f"{PREFIX}/{day:%Y/%m/%d}/"
    for page in pages.paginate(Bucket=bucket, Prefix=under, PaginationConfig={"PageSize": _PAGE}):
        yield from (one["Key"] for one in page.get("Contents", []) if one["LastModified"] < before)


def _storage() -> Storage:
    return storages["files"]
