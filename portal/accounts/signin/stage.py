"""The last step of a sign-in: who comes from a provider, their identity opens the account from now on, and its groups
count. Who comes another way has to be somebody who may.

Invariant: nothing of it is written before every other step has passed, a second factor above all.
"""

from __future__ import annotations

from typing import cast

from allauth.account.stages import LoginStage
from django.http import HttpResponse

from portal.accounts import bound
from portal.accounts.models import User
from portal.accounts.signin import SAID, groups, identities, refusals


class ProviderStage(LoginStage):
    """allauth asks for it after its own."""

    key = "provider"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        login = (self.login.signal_kwargs or {}).get("sociallogin")
        person = cast("User", self.login.user)
        if login is None:
            return self._by_hand(person)
        if why := identities.connect(login.account, person):
            return refusals.page(self.request, why, login.provider), False
        roles = login.state[SAID]["roles"]
        if roles is not None:
            groups.said.send(sender=User, person=person, provider=login.account.provider, roles=frozenset(roles))
        return None, True

    def _by_hand(self, person: User) -> tuple[HttpResponse | None, bool]:
        """With a passkey, mostly: codes and passwords end earlier, and tell strangers nothing."""
        if bound.is_bound(person.email):
            return refusals.page(self.request, refusals.WhyNot.ONLY_THERE, bound.through()), False
        return None, True
