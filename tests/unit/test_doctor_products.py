"""Where the doctor finds a template: at the addresses that the mirror opens, too."""

from __future__ import annotations

import io
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from approvals.doctor import products
from approvals.doctor.visit import Place


class Account(Place):
    """Where a version's template is at `url`; `opened`: the objects that were asked for."""

    url, opened = "", list[dict[str, Any]]()

    def client(self, service: str) -> Any:
        return SimpleNamespace(meta=SimpleNamespace(endpoint_url=f"https://{service}.eu-west-1.amazonaws.com"))

    def read(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        if service == "servicecatalog":
            return {"Info": {"TemplateUrl": self.url}}
        self.opened.append(arguments)
        return {"Body": io.BytesIO(b"Resources: {A: {Type: 'AWS::SNS::Topic'}}")}


def read(url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[dict[str, Any]]]:
    """Why it is unread, and what was opened."""
    monkeypatch.setattr(Account, "url", url)
    monkeypatch.setattr(Account, "opened", [])
    version = products.Version("prod-1", "Shop", "pa-1", "v1", False, Account("1" * 12, "eu-west-1"))
    return str(products._read(inf, version).unread), Account.opened


def test_a_template_is_read_at_amazon_s3_in_the_version_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://my.bucket.s3.eu-west-1.amazonaws.com/a/b%20c.yaml?versionId=v7&X-Amz-Signature=x"
    assert read(url, monkeypatch) == ("", [{"Bucket": "my.bucket", "Key": "a/b c.yaml", "VersionId": "v7"}])
    url = "https://s3-us-west-2.amazonaws.com/bucket/t.json"
    assert read(url, monkeypatch) == ("", [{"Bucket": "bucket", "Key": "t.json"}])


@pytest.mark.parametrize(
    "url", ["", "nonsense", "https://github.com/a/b.yaml", "https://bucket.s3.amazonaws.com.evil.example/t.json"]
)
def test_no_other_address_is_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(url, monkeypatch) == ("elsewhere", [])
