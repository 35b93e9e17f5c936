"""A test client that has just proved who it is, as the step-up asks."""

from __future__ import annotations

from typing import Any

from portal import clock


def prove(client: Any, method: str = "password", minutes_ago: float = 0) -> Any:
    """Write into the session of a client that is signed in what signing in would have written."""
    session = client.session
    session["account_authentication_methods"] = [
        {"method": method, "at": clock.now().timestamp() - minutes_ago * 60, "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(session["_auth_user_id"])
    session.save()
    return client
