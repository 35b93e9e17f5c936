"""Mails that bring a code or a link, or say that there is none: as text and as HTML, for how long, and where to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from tests.support.cast import Cast
from tests.support.signing_in import ask_for_code, code_of, signed_in

pytestmark = pytest.mark.usefixtures("fresh_limits")

RESET, PROVE = "/accounts/password/reset/", "/accounts/reauthenticate/code/"
START = datetime(2031, 5, 4, 6, 0, tzinfo=UTC)


def parts() -> tuple[str, str]:
    """Text and HTML of the newest mail."""
    message = mail.outbox[-1]
    assert isinstance(message, EmailMultiAlternatives)
    ((content, kind),) = message.alternatives
    html = str(content)
    assert kind == "text/html"
    assert f"<title>{message.subject}</title>" in html
    return str(message.body), html


def in_the_desk_s_frame(html: str) -> bool:
    return 'class="sheet"' in html and "Gatehouse, the approval desk for AWS Service Catalog" in html


def test_a_sign_in_code_stands_alone_in_both_parts(cast: Cast) -> None:
    ask_for_code(Client(), "rita@example.com")
    text, html = parts()
    code = code_of(mail.outbox[0])
    assert in_the_desk_s_frame(html)
    # In an element of its own without blanks: one double-click takes it.
    (shown,) = re.findall(rf"<p[^>]*>{code}</p>", html)
    assert "font:600 28px" in shown
    for part in (text, html):
        assert part.count(code) == 1
        assert "it works once and for five minutes" in part
    assert "href" not in html
    assert code not in mail.outbox[0].subject
    assert mail.outbox[0].extra_headers["Auto-Submitted"] == "auto-generated"


def test_a_code_that_proves_who_it_is_looks_the_same(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.requester)
    client.post(PROVE, {"send": "1"})
    text, html = parts()
    assert in_the_desk_s_frame(html)
    assert f">{code_of(mail.outbox[0])}</p>" in html
    for part in (text, html):
        assert "it works once and for five minutes" in part
        assert "Then somebody uses your session." in part
    assert "href" not in html


@pytest.mark.parametrize("ask", [ask_for_code, lambda client, email: client.post(RESET, {"email": email})])
def test_whoever_has_no_account_reads_so_whatever_was_asked_for(cast: Cast, ask: Any) -> None:
    ask(Client(), "nobody@example.com")
    for part in parts():
        assert "There is no account for nobody@example.com." in part
        assert "to sign in with this address, or to set a new password" in part
        assert "href" not in part


def test_whoever_only_a_provider_lets_in_reads_which(cast: Cast, settings: Any) -> None:
    settings.GATEHOUSE_SIGN_IN = "providers"
    settings.GATEHOUSE_OIDC = [{"provider_id": "oidc", "name": "R&D <SSO>", "settings": {}}]
    SocialAccount.objects.create(user=cast.requester, provider="oidc", uid="1")
    ask_for_code(Client(), "rita@example.com")
    text, html = parts()
    assert "Your account opens only through R&D <SSO>." in text
    assert "Your account opens only through R&amp;D &lt;SSO&gt;." in html
    assert "href" not in html


def test_the_link_to_a_new_password_leads_to_the_desk_and_opens_nothing_by_itself(cast: Cast, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.GATEHOUSE_DESK_URL = "https://desk.example.com"
    client = Client()
    client.post(RESET, {"email": "rita@example.com"}, headers={"host": "elsewhere.example"})
    text, html = parts()
    assert mail.outbox[0].subject == "Gatehouse: how to set a new password"
    (link,) = re.findall(r"https://desk\.example\.com(/accounts/password/reset/key/\S+)", text)
    assert re.findall(r'href="([^"]*)"', html) == [f"https://desk.example.com{link}"]
    assert "elsewhere" not in text + html
    for part in (text, html):
        assert "It works once and for one hour." in part
    # A scanner that opens it uses nothing up, and is nobody.
    assert client.get(link, follow=True).status_code == 200
    assert not signed_in(client)
    form = Client().get(link, follow=True)
    assert b"Choose a new password" in form.content


def test_the_link_works_for_one_hour(cast: Cast) -> None:
    with time_machine.travel(START, tick=False) as clock:
        Client().post(RESET, {"email": "rita@example.com"})
        (link,) = re.findall(r"/accounts/password/reset/key/\S+", parts()[0])
        clock.move_to(START + timedelta(minutes=59))
        assert b"Set the password" in Client().get(link, follow=True).content
        clock.move_to(START + timedelta(minutes=61))
        assert b"This link does not work any more" in Client().get(link, follow=True).content


def test_a_mail_is_in_the_language_of_the_page_it_was_asked_on(cast: Cast) -> None:
    client = Client(headers={"accept-language": "zh-hans"})
    ask_for_code(client, "rita@example.com")
    assert '<html lang="zh-hans">' in parts()[1]
    assert mail.outbox[0].subject == "Gatehouse：您的登录验证码"
