"""ID tokens: signed by the issuer, for us, for this attempt, and not over. Everything else raises OAuth2Error."""

from __future__ import annotations

import json
from typing import Any

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.utils.crypto import constant_time_compare

# Only signatures that the issuer alone can make; the header of a token chooses among them, never another kind.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY = 60


def verified(token: Any, *, keys: Any, issuer: str, audience: str, nonce: str) -> dict[str, Any]:
    """The claims. `keys`: the issuer's JWKS; `nonce`: the one this sign-in began with."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(token, keys),
            algorithms=_ALGORITHMS,
            issuer=issuer,
            audience=audience,
            leeway=_LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except (jwt.PyJWTError, TypeError, ValueError, KeyError) as error:
        raise OAuth2Error(f"id token: {type(error).__name__}") from error
    if not nonce or not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise OAuth2Error("id token: nonce")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != audience:
        raise OAuth2Error("id token: azp")
    return claims


def _key(token: str, keys: Any) -> Any:
    """The key the token names; where it names none, the only one there is."""
    kid = jwt.get_unverified_header(token).get("kid")
    signing = [one for one in keys["keys"] if one.get("use", "sig") == "sig"]
    fitting = [one for one in signing if kid is None or one.get("kid") == kid]
    if len(fitting) != 1:
        raise OAuth2Error("id token: key")
    return jwt.PyJWK.from_json(json.dumps(fitting[0])).key
