"""What this provider says of people. A file may have it say something else: groups, or what no honest provider says."""

import json
import os
from pathlib import Path
from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from django.contrib.sessions.models import Session


class Adapter(DefaultOIDCAdapter):
    def get_claims(self, purpose: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        claims: dict[str, Any] = super().get_claims(purpose, *args, **kwargs)
        said: dict[str, Any] = claims | _said().get("claims", {}) | _said().get(purpose, {})
        return said

    def populate_id_token(self, id_token: dict[str, Any], client: Any, scopes: Any, **kwargs: Any) -> None:
        if _said().get("tells_when"):
            id_token["auth_time"] = _signed_in_at(id_token["sub"])
        id_token |= _said().get("token", {})
        for name in _said().get("withheld", ()):
            id_token.pop(name, None)


def _signed_in_at(subject: str) -> int:
    """The last time that this person typed the password, in any browser."""
    sessions = [one.get_decoded() for one in Session.objects.all()]
    own = [one for one in sessions if one.get("_auth_user_id") == subject]
    return int(max(record["at"] for one in own for record in one["account_authentication_methods"]))


def _said() -> dict[str, Any]:
    path = Path(os.environ["IDP_SAYS"])
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found
