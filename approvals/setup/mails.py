"""Whether mails leave: one that was sent to anybody, or a test mail to the administrator."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from approvals.choices import DeliveryStatus
from approvals.models import Delivery
from approvals.notifications.content import Rendered
from approvals.setup.steps import Standing, Step
from portal.accounts.models import User

_KEY = "setup-mail-sent"
log = structlog.get_logger(__name__)


def step(_now: datetime) -> Step:
    sent = bool(cache.get(_KEY)) or Delivery.objects.filter(status=DeliveryStatus.SENT).exists()
    return Step(
        code="mail",
        title=_("A mail was sent"),
        why=_("Sign-in codes, launches that wait and answers go out by mail."),
        standing=Standing.DONE if sent else Standing.TODO,
        seen=(_("A mail has left the desk.") if sent else _("No mail has left the desk lately."),),
        todo=_(
            "Amazon SES has to have verified the sender, %(sender)s. While SES is in sandbox mode it sends to verified "
            "addresses only. Then send yourself a mail."
        )
        % {"sender": settings.GATEHOUSE_FROM_EMAIL},
        commands=(f"aws ses verify-email-identity --email-address {settings.GATEHOUSE_FROM_EMAIL}",),
        links=((_("What the doctor sees"), reverse("doctor")),),
        action="mail",
    )


def written() -> Rendered:
    """The test mail, in the active language."""
    context = {
        "subject": _("A test mail from Gatehouse"),
        "language": get_language(),
        "desk": settings.GATEHOUSE_DESK_URL,
    }
    return Rendered(
        subject=str(context["subject"]),
        text=render_to_string("approvals/mail/test/base.txt", context).strip() + "\n",
        html=render_to_string("approvals/mail/test/base.html", context),
    )


def send_test(person: User) -> str:
    """A mail to this person, at once and not through the outbox; what went wrong as a code, else the empty string."""
    content = written()
    message = EmailMultiAlternatives(content.subject, content.text, to=[person.email])
    message.attach_alternative(content.html, "text/html")
    try:
        message.send()
    except Exception as error:  # noqa: BLE001 - whatever it is, the administrator reads its name
        code = _code(error)
        log.warning("test mail not sent", person=person.pk, error=code)
        return code
    cache.set(_KEY, True, None)
    return ""


def _code(error: BaseException) -> str:
    """AWS's own code where there is one. No text of an error: it may quote anything."""
    inner = error.__cause__ or error
    for one in (error, inner):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", type(one).__name__))
    return type(inner).__name__
