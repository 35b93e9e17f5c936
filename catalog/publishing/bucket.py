"""The desk's bucket of templates: objects are named by their content, and their versions are kept."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, urlsplit

from botocore.exceptions import BotoCoreError
from django.conf import settings

from catalog import aws, partitions
from catalog.publishing.publisher import Publisher
from catalog.sync.trouble import Gone, Trouble, of_botocore

# What stands for the version of a child that is not stored yet.
NOT_STORED = "not-stored-yet"
# Launch roles may read what is tagged so, and so may the desk (aws-facts §3.3).
TAG = "servicecatalog:provisioning"


_KEY = re.compile(r"gatehouse/([0-9a-f]{64})\.yaml")


def key_of(sha256: str) -> str:
    return f"gatehouse/{sha256}.yaml"


def url_of(publisher: Publisher, sha256: str, version: str = "") -> str:
    """Where the object is; with `version` nobody can exchange what is there."""
    bucket, key = settings.GATEHOUSE_TEMPLATE_BUCKET, key_of(sha256)
    endpoint = str(publisher.client("s3").meta.endpoint_url)
    region = aws.own_region()
    suffix = partitions.of_region(region).suffix
    if (urlsplit(endpoint).hostname or "").endswith(suffix):
        address = own_address(sha256)
    else:
        address = f"{endpoint.rstrip('/')}/{bucket}/{key}"
    return f"{address}?versionId={quote(version, safe='')}" if version else address


def own_address(sha256: str) -> str:
    """Where an object of ours is at Amazon S3 itself, without its version; empty while the desk has no bucket."""
    bucket, region = settings.GATEHOUSE_TEMPLATE_BUCKET, aws.own_region()
    if not bucket or not region:
        return ""
    return f"https://{bucket}.s3.{region}.{partitions.of_region(region).suffix}/{key_of(sha256)}"


def named_in(text: str) -> set[str]:
    """The contents' digests whose keys a text names."""
    return set(_KEY.findall(text))


def check(publisher: Publisher) -> None:
    """Raises Trouble unless the bucket keeps versions: without them a wrapped template could be exchanged."""
    answer = publisher.ask("s3", "get_bucket_versioning", Bucket=settings.GATEHOUSE_TEMPLATE_BUCKET)
    if answer.get("Status") != "Enabled":
        raise Trouble("not_versioned")


def store(publisher: Publisher, content: bytes) -> str:
    """The version of the object with this content; one that is there already is taken. Raises Trouble."""
    check(publisher)
    bucket, key = settings.GATEHOUSE_TEMPLATE_BUCKET, key_of(hashlib.sha256(content).hexdigest())
    version = _there(publisher, bucket, key, content)
    if not version:
        answer = publisher.ask(
            "s3",
            "put_object",
            Bucket=bucket,
            Key=key,
            Body=content,
            ContentType="text/plain; charset=utf-8",
            Tagging=f"{quote(TAG, safe='')}=true",
        )
        version = answer.get("VersionId", "")
    if version in ("", "null"):
        raise Trouble("not_versioned")
    return str(version)


def _there(publisher: Publisher, bucket: str, key: str, content: bytes) -> str:
    """The newest version, if it has this content and its tag."""
    try:
        answer = publisher.ask("s3", "get_object", Bucket=bucket, Key=key)
    except Gone:
        return ""
    with answer["Body"] as stream:
        try:
            found = stream.read(len(content) + 1)
        except BotoCoreError as error:
            raise of_botocore(error) from None
    return str(answer.get("VersionId", "")) if found == content and answer.get("TagCount") else ""
