"""Misconfiguration found before the first request: each check has an id and a hint that says what to write."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks  # noqa: A004
from django.core.exceptions import ImproperlyConfigured

_MAKE_KEY = 'Make one: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")


@register
def encryption_keys(**_: Any) -> list[CheckMessage]:
    if not settings.GATEHOUSE_ENCRYPTION_KEYS:
        return [Error("GATEHOUSE_ENCRYPTION_KEYS is not set.", hint=_MAKE_KEY, id="gatehouse.E001")]
    bad = [str(number) for number, key in enumerate(settings.GATEHOUSE_ENCRYPTION_KEYS, 1) if not _opens(key)]
    if bad:
        which = ", ".join(bad)
        return [
            Error(
                f"GATEHOUSE_ENCRYPTION_KEYS: not a Fernet key at position {which}.", hint=_MAKE_KEY, id="gatehouse.E002"
            )
        ]
    return []


@register
def secret_key(**_: Any) -> list[CheckMessage]:
    if len(settings.SECRET_KEY) >= 32 or not settings.SECURE:
        return []
    return [
        Error(
            "DJANGO_SECRET_KEY is shorter than 32 characters.",
            hint='Make one: python -c "import secrets; print(secrets.token_urlsafe(48))"',
            id="gatehouse.E003",
        )
    ]


@register
def desk_url(**_: Any) -> list[CheckMessage]:
    """Mails and pages carry this address, and cookies are marked secure by its scheme."""
    found: list[CheckMessage] = []
    parts = urlsplit(settings.GATEHOUSE_DESK_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        hint = "Write scheme and host only, for example https://desk.example.com."
        return [Error("GATEHOUSE_DESK_URL is not a base URL.", hint=hint, id="gatehouse.E004")]
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        hint = "Put TLS in front of the desk and write https://… here."
        found.append(Warning("GATEHOUSE_DESK_URL is not https.", hint=hint, id="gatehouse.W001"))
    if settings.SECURE and settings.DEBUG:
        hint = "Set DJANGO_DEBUG=0: error pages in debug mode show settings to anybody."
        found.append(Error("DJANGO_DEBUG is on at an https address.", hint=hint, id="gatehouse.E005"))
    return found


@register
def development_trust(**_: Any) -> list[CheckMessage]:
    """The local origins exist for the sandbox; on a real desk they would widen whom it trusts."""
    if not settings.SECURE:
        return []
    return [
        Error(f"{name} is set on a desk with an https address.", hint=f"Remove {name}.", id="gatehouse.E006")
        for name in ("GATEHOUSE_DEV_WAIT_ORIGIN", "GATEHOUSE_DEV_CERT_ORIGIN")
        if getattr(settings, name)
    ]


@register
def signing_key(**_: Any) -> list[CheckMessage]:
    """Empty is right for every process but the worker."""
    if not settings.GATEHOUSE_SIGNING_KEY or _KEY_ARN.fullmatch(settings.GATEHOUSE_SIGNING_KEY):
        return []
    hint = "Write the key's ARN, arn:aws:kms:<region>:<account>:key/<id>; an alias can be moved to another key."
    return [Error("GATEHOUSE_SIGNING_KEY is not the ARN of a KMS key.", hint=hint, id="gatehouse.E007")]


@register
def accounts(**_: Any) -> list[CheckMessage]:
    bad = [account for account in settings.GATEHOUSE_ACCOUNTS if not re.fullmatch(r"\d{12}", account)]
    if not bad:
        return []
    hint = "Write twelve digits each, separated by commas."
    return [Error("GATEHOUSE_ACCOUNTS holds something that is not an account id.", hint=hint, id="gatehouse.E008")]


@register
def reading_roles(**_: Any) -> list[CheckMessage]:
    """Reading spokes: which accounts, and the external id without which their roles trust nobody."""
    readers = settings.GATEHOUSE_READER_ACCOUNTS
    found: list[CheckMessage] = []
    if any(not re.fullmatch(r"\d{12}", account) for account in readers):
        hint = "Write twelve digits each, separated by commas."
        found.append(
            Error(
                "GATEHOUSE_READER_ACCOUNTS holds something that is not an account id.", hint=hint, id="gatehouse.E010"
            )
        )
    if readers and not re.fullmatch(r"[\w+=,.@:/-]{2,1224}", settings.GATEHOUSE_READER_EXTERNAL_ID, re.ASCII):
        hint = "Write the ExternalId the spokes were deployed with."
        found.append(
            Error(
                "GATEHOUSE_READER_ACCOUNTS is set without GATEHOUSE_READER_EXTERNAL_ID.",
                hint=hint,
                id="gatehouse.E011",
            )
        )
    return found


_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@register
def buckets(**_: Any) -> list[CheckMessage]:
    """Files of messages and replies by mail are each off while their setting is empty."""
    bad = [
        name
        for name in ("GATEHOUSE_FILES_BUCKET", "GATEHOUSE_MAIL_BUCKET")
        if getattr(settings, name) and not _BUCKET.fullmatch(getattr(settings, name))
    ]
    hint = "Write the name of the bucket alone, as the hub's outputs FilesBucket and MailBucket say it."
    return [Error(f"{name} is not the name of a bucket.", hint=hint, id="gatehouse.E020") for name in bad]


@register
def replies(**_: Any) -> list[CheckMessage]:
    """One without the other takes no mails, and nobody would know why."""
    domain, bucket = settings.GATEHOUSE_REPLY_DOMAIN, settings.GATEHOUSE_MAIL_BUCKET
    found: list[CheckMessage] = []
    if bool(domain) != bool(bucket):
        hint = "Set both, to the hub's parameter ReplyDomain and its output MailBucket, or leave both empty."
        found.append(
            Error(
                "Only one of GATEHOUSE_REPLY_DOMAIN and GATEHOUSE_MAIL_BUCKET is set.", hint=hint, id="gatehouse.E021"
            )
        )
    if domain and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain):
        hint = "Write a domain such as reply.example.com."
        found.append(Error("GATEHOUSE_REPLY_DOMAIN is not a domain.", hint=hint, id="gatehouse.E022"))
    return found


@register
def proxies(**_: Any) -> list[CheckMessage]:
    """Counting too few, all the world shares the limits of one address."""
    if not settings.BEHIND_PROXY or settings.GATEHOUSE_PROXIES >= 1:
        return []
    hint = "Write how many proxies in a row add an address to X-Forwarded-For; one load balancer is 1."
    return [Error("GATEHOUSE_PROXIES is less than 1 behind a proxy.", hint=hint, id="gatehouse.E009")]


@register
def only_providers(**_: Any) -> list[CheckMessage]:
    if settings.GATEHOUSE_SIGN_IN != "providers" or settings.GATEHOUSE_OIDC or settings.GATEHOUSE_SAML:
        return []
    hint = "Configure one (GATEHOUSE_OIDC_ISSUER or GATEHOUSE_SAML_ENTITY_ID, docs/operations.md), or leave it at any."
    return [Error("GATEHOUSE_SIGN_IN is providers, and there is none.", hint=hint, id="gatehouse.E023")]


def refuse_mistakes() -> None:
    """Raises ImproperlyConfigured. Only management commands let an error stop them; servers have to ask."""
    if mistakes := [message for message in run_checks() if message.is_serious()]:
        raise ImproperlyConfigured("\n".join(str(message) for message in mistakes))


def _opens(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
