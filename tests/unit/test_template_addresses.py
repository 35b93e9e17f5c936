"""Which addresses of templates the desk opens, and how."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3

from catalog.models import Place
from catalog.sync import objects
from catalog.sync.objects import Unread, place_of
from catalog.sync.reading import Reader
from catalog.sync.trouble import Busy
from catalog.templates.document import LARGEST

AWS = "https://s3.eu-central-1.amazonaws.com"
LOCAL = "http://localhost:4566"


@pytest.mark.parametrize(
    ("url", "bucket", "key"),
    [
        ("https://bucket.s3.amazonaws.com/a/b.yaml", "bucket", "a/b.yaml"),
        ("https://bucket.s3.eu-central-1.amazonaws.com/b%20c.yaml", "bucket", "b c.yaml"),
        ("https://bucket.with.dots.s3-eu-west-1.amazonaws.com/b.yaml", "bucket.with.dots", "b.yaml"),
        ("https://s3.amazonaws.com/bucket/a/b.yaml", "bucket", "a/b.yaml"),
        ("https://s3-us-west-2.amazonaws.com/bucket/b.yaml", "bucket", "b.yaml"),
        ("https://s3.dualstack.us-west-2.amazonaws.com:443/bucket/b.yaml", "bucket", "b.yaml"),
    ],
)
def test_amazon_s3_is_understood_in_every_style(url: str, bucket: str, key: str) -> None:
    place = place_of(url, "eu-central-1", AWS)
    assert (place.bucket, place.key, place.is_amazons, place.signed) == (bucket, key, True, False)


def test_a_presigned_address_opens_by_itself_and_a_version_is_kept() -> None:
    url = "https://bucket.s3.amazonaws.com/b.yaml?versionId=v1&X-Amz-Signature=abc"
    assert place_of(url, "eu-central-1", AWS).signed
    assert place_of(url, "eu-central-1", AWS).version == "v1"


def test_a_partition_has_its_own_hosts() -> None:
    china = "https://bucket.s3.cn-north-1.amazonaws.com.cn/b.yaml"
    assert place_of(china, "cn-north-1", AWS).is_amazons
    for url, region in ((china, "eu-central-1"), ("https://bucket.s3.amazonaws.com/b.yaml", "cn-north-1")):
        with pytest.raises(Unread, match="elsewhere"):
            place_of(url, region, AWS)


@pytest.mark.parametrize(
    "url",
    [
        "http://bucket.s3.amazonaws.com/b.yaml",
        "https://bucket.s3.amazonaws.com.evil.example/b.yaml",
        "https://bucket.s3.amazonaws.com:8443/b.yaml",
        "https://user@bucket.s3.amazonaws.com/b.yaml",
        "https://raw.githubusercontent.com/a/b/template.yaml",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost:4566/bucket/b.yaml",
        "file:///etc/passwd",
        "https://s3.amazonaws.com/bucket",
        "https://s3.amazonaws.com/../b",
        "https://[::1",
        "",
    ],
)
def test_everything_else_stays_closed(url: str) -> None:
    with pytest.raises(Unread, match="elsewhere"):
        place_of(url, "eu-central-1", AWS)


def test_the_sandbox_is_read_where_the_client_talks_to_it_and_never_without_credentials() -> None:
    place = place_of(f"{LOCAL}/bucket/b.yaml?X-Amz-Signature=a", "eu-central-1", LOCAL)
    assert (place.bucket, place.key, place.is_amazons, place.signed) == ("bucket", "b.yaml", False, False)
    with pytest.raises(Unread, match="elsewhere"):
        place_of("http://localhost:4567/bucket/b.yaml", "eu-central-1", LOCAL)


class Answer:
    def __init__(self, status: int, body: bytes = b"") -> None:
        self.status, self._body = status, body

    def read(self, most: int) -> bytes:
        return self._body[:most]

    def release_conn(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, b"Resources: {}"), b"Resources: {}"),
        (Answer(302), "http:302"),
        (Answer(403), "http:403"),
        (Answer(503), "throttled"),
        (Answer(200, b"x" * (LARGEST + 1)), "too_large"),
    ],
)
def test_without_credentials_nothing_is_followed_and_little_is_taken(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, expected: bytes | str
) -> None:
    asked: dict[str, Any] = {}

    def request(method: str, url: str, **how: Any) -> Answer:
        asked.update(how, method=method, url=url)
        return answer

    pauses: list[float] = []
    monkeypatch.setattr("catalog.sync.objects.time.sleep", pauses.append)
    monkeypatch.setattr(objects, "proxy_for", lambda _url: "")
    monkeypatch.setattr(objects.pool(""), "request", request)
    reader = Reader(Place(account="1" * 12, region="eu-central-1"))
    url = "https://bucket.s3.amazonaws.com/b.yaml?X-Amz-Signature=secret"
    if isinstance(expected, bytes):
        assert objects.fetch(url, reader) == expected
    else:
        with pytest.raises((Unread, Busy), match=expected) as told:
            objects.fetch(url, reader)
        assert "secret" not in str(told.value)
    assert asked["redirect"] is False
    assert reader.calls == len(pauses) == (3 if expected == "throttled" else 1)


def test_a_throttled_address_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Answer(503), Answer(200, b"Resources: {}")]
    monkeypatch.setattr("catalog.sync.objects.time.sleep", lambda _seconds: None)
    monkeypatch.setattr(objects, "proxy_for", lambda _url: "")
    monkeypatch.setattr(objects.pool(""), "request", lambda *_args, **_how: answers.pop(0))
    reader = Reader(Place(account="1" * 12, region="eu-central-1"))
    assert objects.fetch("https://bucket.s3.amazonaws.com/b.yaml?X-Amz-Signature=a", reader) == b"Resources: {}"
    assert reader.calls == 2


def test_the_environment_s_proxy_is_asked_as_the_clients_ask_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    url = "https://bucket.s3.amazonaws.com/b.yaml"
    assert objects.proxy_for(url) == ""
    assert not isinstance(objects.pool(""), urllib3.ProxyManager)
    monkeypatch.setenv("HTTPS_PROXY", "http://desk:pass%20word@proxy.example:3128")
    proxy = objects.proxy_for(url)
    made = objects.pool(proxy)
    assert isinstance(made, urllib3.ProxyManager)
    assert made.proxy is not None
    assert (made.proxy.host, made.proxy.port) == ("proxy.example", 3128)
    assert made.proxy_headers == urllib3.make_headers(proxy_basic_auth="desk:pass word")
    monkeypatch.setenv("NO_PROXY", ".amazonaws.com")
    assert objects.proxy_for(url) == ""
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert objects.proxy_for(url) == "http://proxy.example:3128"


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "http://["])
def test_no_answer_by_the_proxy_is_said_of_the_template(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    reader = Reader(Place(account="1" * 12, region="eu-central-1"))
    with pytest.raises(Unread, match="no_answer"):
        objects.fetch("https://bucket.s3.amazonaws.com/b.yaml?X-Amz-Signature=secret", reader)
