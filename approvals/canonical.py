"""One byte form for everything that is hashed or signed: sorted keys, no spaces, ASCII."""

import hashlib
import json


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def sha256_hex(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def digest(value: object) -> str:
    """sha256 of the canonical form, as 64 hex digits."""
    return sha256_hex(canonical(value))
