"""What a channel is. To add one: a member of `DeliveryChannel`, a module with a subclass, a line in
`CHANNELS` (approvals.notifications.channels).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from approvals.models import Delivery
from portal.accounts.models import User


class DeliveryError(Exception):
    """Not delivered. The message is a short code, fit for logs and pages; it quotes nothing that was sent."""


class TemporaryError(DeliveryError):
    """A later try may succeed."""


class PermanentError(DeliveryError):
    """No later try can succeed."""


class Channel(ABC):
    @abstractmethod
    def send(self, delivery: Delivery) -> None:
        """Deliver, or raise `TemporaryError` or `PermanentError`. Runs outside of any transaction."""

    @abstractmethod
    def send_together(self, person: User, deliveries: Sequence[Delivery], more: Sequence[int]) -> None:
        """Deliver many as one; of `more` (keys) only the number is told. Raises as `send` does."""
