"""Encryption of what must not lie in the database in clear: wait URLs and kept message bodies.

The first key of `GATEHOUSE_ENCRYPTION_KEYS` encrypts, every key decrypts, so keys rotate without a pause.
"""

from __future__ import annotations

from cryptography.fernet import InvalidToken

from portal.keys import fernet


class Unsealable(Exception):
    """None of the keys opens it: a key was removed too early, or the bytes were changed."""


def seal(text: str) -> bytes:
    return fernet().encrypt(text.encode())


def unseal(sealed: bytes | memoryview) -> str:
    """The text again. Raises `Unsealable`, which never carries the bytes."""
    try:
        return fernet().decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Unsealable("no key in GATEHOUSE_ENCRYPTION_KEYS opens this") from None
