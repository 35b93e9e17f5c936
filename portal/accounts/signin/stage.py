"""The last step of a sign-in at a provider: the identity opens the account from now on, and its groups count.

Invariant: nothing of it is written before every other step has passed, a second factor above all.
"""

from __future__ import annotations

from typing import cast

from allauth.account.stages import LoginStage
from django.http import HttpResponse

from portal.accounts.models import User
from portal.accounts.signin import SAID, groups, identities, refusals


class ProviderStage(LoginStage):
    """allauth asks for it after its own; whoever does not come from a provider passes."""

    key = "provider"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        login = (self.login.signal_kwargs or {}).get("sociallogin")
        if login is None:
            return None, True
        person = cast("User", self.login.user)
        if why := identities.connect(login.account, person):
            return refusals.page(self.request, why, login.provider), False
        roles = login.state[SAID]["roles"]
        if roles is not None:
            groups.said.send(sender=User, person=person, provider=login.account.provider, roles=frozenset(roles))
        return None, True
