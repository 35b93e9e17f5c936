"""The channels there are."""

from __future__ import annotations

from approvals.choices import DeliveryChannel
from approvals.notifications.channel import Channel
from approvals.notifications.email import EmailChannel

CHANNELS: dict[DeliveryChannel, Channel] = {DeliveryChannel.EMAIL: EmailChannel()}
