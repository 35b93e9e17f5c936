"""Headers: which mails are one conversation, where answers go, how to switch mails off, and that no machine is to
answer. A Message-ID is the same however often one mail is sent, so that a duplicate can be told."""

from __future__ import annotations

from django.conf import settings

from approvals.canonical import sha256_hex
from approvals.models import Delivery, LaunchRequest
from approvals.notifications.stopping import stop_url
from approvals.notifications.wishes import is_always
from portal.accounts.models import User

_FROM_A_MACHINE = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Precedence": "bulk"}


def thread(request: LaunchRequest | None) -> str:
    """What ties the mails about one request together."""
    return str(request.uuid) if request else "operations"


def of_delivery(delivery: Delivery) -> dict[str, str]:
    about = thread(delivery.notice.request)
    root = _id(about)
    own = {"Message-ID": _id(f"delivery-{delivery.pk}.{about}"), "In-Reply-To": root, "References": root}
    stopping = {} if is_always(delivery.notice, delivery.person) else _stopping(delivery.person)
    return own | stopping | _FROM_A_MACHINE


def of_digest(person: User, deliveries: list[int], *, always: bool) -> dict[str, str]:
    """`deliveries`: keys of all it tells; others make another mail."""
    named = sha256_hex(",".join(map(str, sorted(deliveries))))[:32]
    return {"Message-ID": _id(f"digest-{named}")} | ({} if always else _stopping(person)) | _FROM_A_MACHINE


def _id(name: str) -> str:
    return f"<{name}@{settings.GATEHOUSE_FROM_EMAIL.rpartition('@')[2]}>"


def _stopping(person: User) -> dict[str, str]:
    return {"List-Unsubscribe": f"<{stop_url(person)}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
