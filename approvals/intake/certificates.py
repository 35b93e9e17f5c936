"""The certificates SNS signs with: only from SNS's own host, fetched rarely, kept for a day by all processes.

A stranger can name any certificate URL, so what they can make us do is bounded: the host rule comes first, a
failure is remembered, and no more than a few unknown URLs a minute are looked at. A key that was good goes on
being used while its certificate cannot be fetched again.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict, deque
from typing import TypeVar

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings
from django.core.cache import cache

from approvals.canonical import sha256_hex

MAX_BYTES = 64 * 1024
KEEP = 24 * 3600.0
_MAX_KEPT = 64
_FETCHES_PER_MINUTE = 20
_PATIENCE = 6.0
_PATH = re.compile(r"/[A-Za-z0-9_.-]{1,200}\.pem")
_DEV_PATH = re.compile(r"/[A-Za-z0-9_/.-]{1,200}\.pem")
_TIMEOUT = urllib3.Timeout(connect=2, read=3)


class Forged(Exception):
    """SNS did not send this. The text names the check that failed."""


class Unavailable(Exception):
    """It cannot be told now whether SNS sent this; the next try may."""


_REMEMBERED = {Forged: 300.0, Unavailable: 5.0}
_T = TypeVar("_T")

# Failures are kept apart, so that a stranger's URLs cannot push a good certificate out.
_keys: OrderedDict[str, tuple[RSAPublicKey, float]] = OrderedDict()
_failures: OrderedDict[str, tuple[Forged | Unavailable, float]] = OrderedDict()
_fetches: deque[float] = deque(maxlen=_FETCHES_PER_MINUTE)
_lock = threading.Lock()
_pool = urllib3.PoolManager(num_pools=4, maxsize=2)


def key(url: str, *, host: str) -> RSAPublicKey:
    """The public key of the certificate at `url`, which must be at `host`. Raises Forged or Unavailable."""
    if not _allowed(url, host):
        raise Forged("certificate host")
    found = _remembered(url)
    if found is None:
        # One at a time: the others find what the first one learned.
        if not _lock.acquire(timeout=_PATIENCE):
            raise Unavailable("too many certificates")
        try:
            found = _remembered(url) or _shared(url) or _learn(url)
        finally:
            _lock.release()
    return found


def forget() -> None:
    """Empty this process's memory."""
    with _lock:
        _keys.clear()
        _failures.clear()
        _fetches.clear()


def _remembered(url: str) -> RSAPublicKey | None:
    now = time.monotonic()
    known, until = _keys.get(url, (None, 0.0))
    if known is not None and now < until:
        return known
    failure, until = _failures.get(url, (None, 0.0))
    if failure is not None and now < until:
        raise type(failure)(*failure.args)
    return None


def _allowed(url: str, host: str) -> bool:
    if url.startswith(f"https://{host}/"):
        return bool(_PATH.fullmatch(url.removeprefix(f"https://{host}")))
    origin = settings.GATEHOUSE_DEV_CERT_ORIGIN
    return bool(origin) and url.startswith(origin) and bool(_DEV_PATH.fullmatch(url.removeprefix(origin)))


def _shared(url: str) -> RSAPublicKey | None:
    """What any process of the desk learned within the last day."""
    pem = cache.get(_name(url))
    if pem is None:
        return None
    found = serialization.load_pem_public_key(pem.encode())
    if not isinstance(found, RSAPublicKey):
        return None
    _keep(_keys, url, (found, time.monotonic() + KEEP))
    return found


def _learn(url: str) -> RSAPublicKey:
    now = time.monotonic()
    known, _ = _keys.get(url, (None, 0.0))
    if len(_fetches) == _FETCHES_PER_MINUTE and now - _fetches[0] < 60:
        if known is None:
            raise Unavailable("too many certificates")
        return known
    _fetches.append(now)
    try:
        found = _read(_fetch(url))
    except (Forged, Unavailable) as failure:
        if known is not None and isinstance(failure, Unavailable):
            _keep(_keys, url, (known, now + _REMEMBERED[Unavailable]))
            return known
        _keys.pop(url, None)
        _keep(_failures, url, (failure, now + _REMEMBERED[type(failure)]))
        raise
    _keep(_keys, url, (found, now + KEEP))
    pem = found.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    cache.set(_name(url), pem.decode(), KEEP)
    return found


def _name(url: str) -> str:
    return f"sns-key-{sha256_hex(url)}"


def _keep(memory: OrderedDict[str, _T], url: str, entry: _T) -> None:
    memory[url] = entry
    memory.move_to_end(url)
    while len(memory) > _MAX_KEPT:
        memory.popitem(last=False)


def _fetch(url: str) -> bytes:
    try:
        answer = _pool.request("GET", url, redirect=False, retries=False, timeout=_TIMEOUT, preload_content=False)
        try:
            status, body = answer.status, answer.read(MAX_BYTES + 1)
        finally:
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(type(error).__name__) from None
    if status >= 500 or status in (408, 429):
        raise Unavailable(f"HTTP {status}")
    if status != 200 or len(body) > MAX_BYTES:
        raise Forged("certificate")
    return bytes(body)


def _read(pem: bytes) -> RSAPublicKey:
    try:
        public = x509.load_pem_x509_certificate(pem).public_key()
    except ValueError:
        raise Forged("certificate") from None
    if not isinstance(public, RSAPublicKey) or public.key_size < 2048:
        raise Forged("certificate")
    return public
