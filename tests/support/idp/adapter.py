"""What this provider says of people. A file may have it say something else: groups, or what no honest provider says."""

import json
import os
from pathlib import Path
from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter


class Adapter(DefaultOIDCAdapter):
    def get_claims(self, purpose: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        claims: dict[str, Any] = super().get_claims(purpose, *args, **kwargs)
        said: dict[str, Any] = claims | _said().get("claims", {}) | _said().get(purpose, {})
        return said

    def populate_id_token(self, id_token: dict[str, Any], client: Any, scopes: Any, **kwargs: Any) -> None:
        id_token |= _said().get("token", {})


def _said() -> dict[str, Any]:
    path = Path(os.environ["IDP_SAYS"])
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found
