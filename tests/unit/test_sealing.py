from typing import Any

import pytest
from cryptography.fernet import Fernet

from approvals.sealing import Unsealable, seal, unseal

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
TEXT = "https://example.invalid/?X-Amz-Signature=canary ✓"


def test_sealed_text_opens_again_and_shows_nothing(settings: Any) -> None:
    settings.GATEHOUSE_ENCRYPTION_KEYS = [NEW]
    sealed = seal(TEXT)
    assert b"canary" not in sealed
    assert unseal(memoryview(sealed)) == TEXT


def test_old_key_still_opens_after_a_rotation(settings: Any) -> None:
    settings.GATEHOUSE_ENCRYPTION_KEYS = [OLD]
    sealed = seal(TEXT)
    settings.GATEHOUSE_ENCRYPTION_KEYS = [NEW, OLD]
    assert unseal(sealed) == TEXT


def test_what_no_key_opens_is_refused_without_quoting_it(settings: Any) -> None:
    settings.GATEHOUSE_ENCRYPTION_KEYS = [OLD]
    sealed = seal(TEXT)
    settings.GATEHOUSE_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(Unsealable) as caught:
        unseal(sealed)
    assert sealed.decode() not in repr(caught.value)
    assert caught.value.__cause__ is None
