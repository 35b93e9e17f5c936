"""Sign-in at somebody else's door, read from the environment: OpenID Connect and SAML providers, and what groups mean.

The first provider's variables are GATEHOUSE_OIDC_… (or GATEHOUSE_SAML_…), those of further ones GATEHOUSE_OIDC_2_…
and so on without a gap. What cannot be right stops the desk with the variable's name. See docs/operations.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal import env

_SCOPES = ["openid", "profile", "email"]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EMAIL = [
    "email",
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
]
_NAME = [
    "name",
    "displayName",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
]


def oidc() -> list[dict[str, Any]]:
    """What allauth calls apps, of OpenID Connect."""
    return [_oidc(prefix, id_) for prefix, id_ in _numbered("GATEHOUSE_OIDC", "ISSUER")]


def saml() -> list[dict[str, Any]]:
    """What allauth calls apps, of SAML."""
    return [_saml(prefix, id_) for prefix, id_ in _numbered("GATEHOUSE_SAML", "ENTITY_ID")]


def groups(name: str) -> dict[str, list[str]]:
    """Group → roles. `group=administrator,other=team:Approvers`, or JSON where names hold commas or equals signs."""
    raw = env.text(name, "") or ""
    pairs = _json_pairs(name, raw) if raw.startswith("{") else [_pair(name, item) for item in env.items(name)]
    found: dict[str, list[str]] = {}
    for group, role in pairs:
        if not _known(role):
            raise ImproperlyConfigured(f"{name}: a role is administrator, auditor or team:<name of a team>.")
        found.setdefault(group, []).append(role)
    return found


def _known(role: str) -> bool:
    return role in ("administrator", "auditor") or bool(role.startswith("team:") and role[5:].strip())


def _pair(name: str, item: str) -> tuple[str, str]:
    group, equals, role = (part.strip() for part in item.rpartition("="))
    if not (group and equals and role):
        raise ImproperlyConfigured(f"{name} must look like group=administrator,other=team:Approvers, or be JSON.")
    return group, role


def _json_pairs(name: str, raw: str) -> list[tuple[str, str]]:
    try:
        known = json.loads(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not JSON.") from None
    pairs = [(group, role) for group, roles in known.items() for role in ([roles] if isinstance(roles, str) else roles)]
    if not all(isinstance(role, str) for _, role in pairs):
        raise ImproperlyConfigured(f"{name}: each group has a role or a list of roles.")
    return pairs


def _numbered(base: str, needed: str) -> Iterator[tuple[str, str]]:
    """Prefix of the variables and id of each provider that is there."""
    id_, number = base.removeprefix("GATEHOUSE_").lower(), 1
    while env.text(f"{_prefix(base, number)}{needed}", ""):
        yield _prefix(base, number), id_ if number == 1 else f"{id_}-{number}"
        number += 1


def _prefix(base: str, number: int) -> str:
    return f"{base}_" if number == 1 else f"{base}_{number}_"


def _common(prefix: str) -> dict[str, Any]:
    """What the desk wants to know of either kind; portal.accounts.matching reads it."""
    return {
        "groups_claim": env.text(f"{prefix}GROUPS_CLAIM", ""),
        "trusts_addresses": env.flag(f"{prefix}TRUST_ADDRESSES"),
        "second_factor": env.flag(f"{prefix}SECOND_FACTOR"),
    }


def _oidc(prefix: str, id_: str) -> dict[str, Any]:
    issuer = _https(f"{prefix}ISSUER")
    own = {"server_url": issuer, "scope": env.text(f"{prefix}SCOPES", "").split() or _SCOPES}
    return {
        "provider_id": id_,
        "name": env.text(f"{prefix}NAME", urlsplit(issuer).hostname),
        "client_id": env.text(f"{prefix}CLIENT_ID"),
        "secret": env.text(f"{prefix}CLIENT_SECRET"),
        "settings": own | _common(prefix),
    }


def _saml(prefix: str, id_: str) -> dict[str, Any]:
    if find_spec("onelogin") is None:
        raise ImproperlyConfigured(
            f"{prefix}ENTITY_ID is set, but SAML is not installed. Install requirements/saml.txt in place of app.txt"
            " (of the image: --build-arg LOCK=saml), or empty the variable."
        )
    idp: dict[str, Any] = {"entity_id": env.text(f"{prefix}ENTITY_ID")}
    if env.text(f"{prefix}METADATA_URL", ""):
        idp["metadata_url"] = _https(f"{prefix}METADATA_URL")
    else:
        idp |= {"sso_url": _https(f"{prefix}SSO_URL"), "x509cert": env.text(f"{prefix}CERTIFICATE")}
    mapping = {"email": [env.text(f"{prefix}EMAIL_ATTRIBUTE", ""), *_EMAIL], "name": _NAME}
    own = {
        "idp": idp,
        "attribute_mapping": mapping,
        # What is signed must be the assertion itself, or a wrapped one could ride along.
        "advanced": {
            "want_assertion_signed": True,
            "want_name_id": True,
            "want_attribute_statement": False,
            "allow_single_label_domains": True,
        },
    }
    name = env.text(f"{prefix}NAME", urlsplit(str(idp["entity_id"])).hostname or "SAML")
    return {"provider_id": id_, "name": name, "client_id": id_, "settings": own | _common(prefix)}


def _https(name: str) -> str:
    value = env.text(name).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return value
    raise ImproperlyConfigured(f"{name} must begin with https://.")
