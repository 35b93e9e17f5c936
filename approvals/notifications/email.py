"""The e-mail channel: Django's mail API (Amazon SES through anymail by default), one mail per person."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import BadHeaderError

from approvals.choices import NoticeCode
from approvals.models import Delivery
from approvals.notifications import headers
from approvals.notifications.channel import Channel, PermanentError, TemporaryError
from approvals.notifications.content import Rendered, render
from approvals.notifications.digest import render_digest
from approvals.notifications.replying import reply_address
from portal.accounts.models import User

# Of SES's errors, those that say something about this mail and not about the moment.
_PERMANENT = frozenset({"BadRequestException", "MessageRejected", "MailFromDomainNotVerifiedException"})
# Making a client of SES costs 100 ms of CPU; a mail server hangs up on those who idle for long.
_KEPT_SECONDS = 20.0


class EmailChannel(Channel):
    def __init__(self) -> None:
        self._kept: deque[tuple[float, BaseEmailBackend]] = deque()

    def send(self, delivery: Delivery) -> None:
        self._post(compose(delivery, render(delivery.notice, delivery.person)))

    def send_together(self, person: User, deliveries: Sequence[Delivery], more: Sequence[int]) -> None:
        self._post(compose_digest(person, deliveries, more))

    def _post(self, message: EmailMultiAlternatives) -> None:
        try:
            with self._connection() as message.connection:
                message.send()
        except (AnymailRecipientsRefused, AnymailInvalidAddress, BadHeaderError) as error:
            raise PermanentError(type(error).__name__) from None
        except AnymailAPIError as error:
            raise _from_ses(error) from None
        except SMTPException as error:
            raise _from_smtp(error) from None
        except (AnymailError, OSError) as error:
            raise TemporaryError(type(error).__name__) from None

    @contextmanager
    def _connection(self) -> Iterator[BaseEmailBackend]:
        """An open connection nobody else uses; kept for the next mail unless something went wrong."""
        connection = self._fresh() or get_connection()
        try:
            connection.open()
            yield connection
        except Exception:
            _hang_up(connection)
            raise
        self._kept.append((time.monotonic(), connection))

    def _fresh(self) -> BaseEmailBackend | None:
        while self._kept:
            with suppress(IndexError):
                last_used, connection = self._kept.pop()
                if time.monotonic() - last_used < _KEPT_SECONDS:
                    return connection
                _hang_up(connection)
        return None


def _hang_up(connection: BaseEmailBackend) -> None:
    with suppress(Exception):
        connection.close()


def compose(delivery: Delivery, content: Rendered) -> EmailMultiAlternatives:
    """The mail. Its Message-ID is the delivery's, so a mail sent twice can be told from two mails."""
    message = _mail(delivery.person, content, headers.of_delivery(delivery))
    message.reply_to = [address for address in [reply_address(delivery.notice, delivery.person)] if address]
    return message


def compose_digest(person: User, deliveries: Sequence[Delivery], more: Sequence[int]) -> EmailMultiAlternatives:
    always = all(one.notice.code == NoticeCode.ALARM for one in deliveries)
    tells = [*more, *(one.pk for one in deliveries)]
    content = render_digest(person, deliveries, more=len(more))
    return _mail(person, content, headers.of_digest(person, tells, always=always))


def _mail(person: User, content: Rendered, head: dict[str, str]) -> EmailMultiAlternatives:
    # Without the display name: people choose it, and no header needs it.
    message = EmailMultiAlternatives(subject=content.subject, body=content.text, to=[person.email], headers=head)
    message.attach_alternative(content.html, "text/html")
    return message


def _from_ses(error: AnymailAPIError) -> PermanentError | TemporaryError:
    response: Any = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    code = code or type(error.__cause__ or error).__name__
    return PermanentError(code) if code in _PERMANENT else TemporaryError(code)


def _from_smtp(error: SMTPException) -> PermanentError | TemporaryError:
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    else:
        codes = [error.smtp_code] if isinstance(error, SMTPResponseException) else []
    name = " ".join([type(error).__name__, *map(str, codes)])
    return PermanentError(name) if codes and all(code >= 500 for code in codes) else TemporaryError(name)
