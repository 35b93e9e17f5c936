"""The installation's encryption keys, for what must be readable again but never lie in clear."""

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def fernet() -> MultiFernet:
    """The first key of `GATEHOUSE_ENCRYPTION_KEYS` encrypts, all of them decrypt: keys are rotated by
    putting a new one in front."""
    return MultiFernet([Fernet(key) for key in settings.GATEHOUSE_ENCRYPTION_KEYS])
