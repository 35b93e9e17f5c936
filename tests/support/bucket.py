"""A bucket in the sandbox for the files of messages, in this worker's account."""

from __future__ import annotations

import secrets
from typing import Any

import boto3
from django.core.files.storage import storages


def make(settings: Any, sandbox: str, monkeypatch: Any) -> Any:
    """A fresh bucket that the desk's settings name; a client of S3 in its account."""
    from catalog import aws

    monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox)
    aws._client.cache_clear()
    name = f"files-{secrets.token_hex(6)}"
    client = boto3.session.Session().client("s3")
    client.create_bucket(Bucket=name)
    settings.GATEHOUSE_FILES_BUCKET = name
    kept = settings.STORAGES
    files = kept["files"] | {"OPTIONS": kept["files"]["OPTIONS"] | {"bucket_name": name}}
    settings.STORAGES = kept | {"files": files}
    storages._storages.clear()  # type: ignore[attr-defined]
    return client


def keys(client: Any, name: str) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket=name).get("Contents", [])]
