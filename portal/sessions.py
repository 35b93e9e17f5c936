"""Sessions are sealed: allauth keeps sign-in codes in them, and no code or token is stored in clear.

A session sealed under a key that is no longer in `GATEHOUSE_ENCRYPTION_KEYS` counts as no session.
"""

import json
from typing import Any

from portal.keys import fernet


class EncryptedSerializer:
    def dumps(self, obj: Any) -> bytes:
        return fernet().encrypt(json.dumps(obj, separators=(",", ":")).encode())

    def loads(self, data: bytes) -> Any:
        return json.loads(fernet().decrypt(data))
