"""Destroying what is no longer needed: URLs nobody calls again, kept messages and mails dealt with, what was told long
ago, sessions that are over, templates. Requests, decisions and the audit trail stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from approvals.choices import TERMINAL_STATES, UNSENT, DeliveryStatus
from approvals.intake import quarantine
from approvals.models import Delivery, Hold, InboundMail, Notice, TemplateReading
from approvals.models.holds import URL_LIFE
from approvals.replies.results import Result
from approvals.review import presence
from catalog.models import Publication, Template, Version
from portal.accounts import leaving

UNUSED = timedelta(days=90)
# As long as the bucket keeps what SES stored.
MAILS = timedelta(days=30)
# Whom the desk told what, and what became of the mail. That it happened stays in the audit trail.
NOTICES = timedelta(days=90)
_MOST_TEMPLATES = 500
_MOST_NOTICES = 2000


def wipe(now: datetime) -> int:
    """What could still do harm: URLs that expired or whose request is closed with nothing left to send, and old kept
    messages.

    A signal that was given up keeps its URL until it expires: an administrator may have it sent again.
    """
    over = Q(request__state__in=TERMINAL_STATES) & ~Q(signal__status__in=UNSENT)
    silent = Q(url_expires_at__isnull=True, opened_at__lte=now - URL_LIFE)
    urls = Hold.objects.filter(Q(url_expires_at__lte=now) | silent | over, url_encrypted__isnull=False)
    return urls.update(url_encrypted=None, wiped_at=now) + quarantine.wipe(now)


def tidy(now: datetime) -> None:
    """What harms nobody and is of no use any more."""
    presence.forget(now)
    forget_mails(now)
    forget_notices(now)
    leaving.forget_sessions(now)


def forget_mails(now: datetime) -> int:
    """Delete what is known of old mails that were dealt with; the messages they became stay."""
    return InboundMail.objects.filter(received_at__lt=now - MAILS).exclude(result=Result.QUEUED).delete()[0]


@transaction.atomic(durable=True)
def forget_notices(now: datetime) -> int:
    """Delete notices of long ago with their deliveries, unless one is still owed to somebody; how many notices."""
    owed = Delivery.objects.filter(notice=OuterRef("pk"), status__in=(DeliveryStatus.QUEUED, DeliveryStatus.IN_FLIGHT))
    old = Notice.objects.filter(~Exists(owed), created_at__lt=now - NOTICES, fanned_out_at__isnull=False)
    gone = list(old.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)[:_MOST_NOTICES])
    Delivery.objects.filter(notice__in=gone).delete()
    return Notice.objects.filter(pk__in=gone).delete()[0]


@transaction.atomic(durable=True)
def forget_templates(now: datetime) -> int:
    """Delete templates that were read long ago and that nothing needs: no version that is there or was until lately, no
    request and no publication, which shows its source and may have it as a wrapper's child.
    """
    before, this = now - UNUSED, OuterRef("pk")
    of_use = Q(removed_at=None) | Q(removed_at__gt=before) | Q(publications__isnull=False)
    unused = Template.objects.filter(
        ~Exists(Version.objects.filter(of_use, template=this)),
        ~Exists(TemplateReading.objects.filter(template=this)),
        ~Exists(Publication.objects.filter(gated=this)),
        first_read_at__lte=before,
    )
    gone = list(unused.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_MOST_TEMPLATES])
    # Versions that are listed again are read again.
    Version.objects.filter(template__in=gone).update(template=None, template_unread="gone")
    return Template.objects.filter(pk__in=gone).only("pk").delete()[0]
