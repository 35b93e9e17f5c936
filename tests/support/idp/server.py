"""Starting the identity provider, and being a browser in front of it."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.processes import free_port
from tests.support import run

CLIENT_ID, CLIENT_SECRET = "gatehouse", "a secret between the two"
PASSWORD = "correct horse battery"
_SETUP = """
import sys, json
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from allauth.account.models import EmailAddress
from allauth.idp.oidc.models import Client
from django.contrib.auth.models import User
given = json.loads(sys.argv[1])
client = Client(id=given["client"], name="Gatehouse", scopes="openid\\nprofile\\nemail",
                redirect_uris=given["redirect"], skip_consent=True)
client.set_secret(given["secret"]); client.save()
for name in given["people"]:
    user = User.objects.create_user(name, f"{name}@example.com", given["password"], first_name=name.title())
    EmailAddress.objects.create(user=user, email=user.email, verified=name != "mallory", primary=True)
"""


@dataclass
class IdentityProvider:
    url: str
    says: Path

    def say(self, **what: Any) -> None:
        """`claims`, `id_token` and `userinfo` of people, and `token`: what stands in the ID token whatever is true.
        `tells_when`: it has the moment of the sign-in as well (auth_time). `withheld`: what the ID token lacks."""
        self.says.write_text(json.dumps(what))

    def settings(self, **more: Any) -> dict[str, Any]:
        """The provider as the desk's settings have it."""
        own = {
            "server_url": self.url,
            "scope": ["openid", "profile", "email"],
            "groups_claim": "",
            "trusts_addresses": False,
            "second_factor": False,
        }
        return {
            "provider_id": "oidc",
            "name": "Example SSO",
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "settings": own | more,
        }

    def go(self, location: str, name: str, browser: requests.Session | None = None) -> str:
        """What a browser does with the desk's redirect: sign in there if asked to, and come back. Returns where to."""
        browser = browser or requests.Session()
        page = self._follow(browser, browser.get(location, timeout=10, allow_redirects=False))
        if page.ok and not page.is_redirect:
            fields = {"login": name, "password": PASSWORD, "next": _next(page)}
            told = {"csrfmiddlewaretoken": _token(page.text), **fields}
            headers = {"Referer": page.url}
            answer = browser.post(page.url, told, headers=headers, timeout=10, allow_redirects=False)
            page = self._follow(browser, answer)
        return str(page.headers.get("Location", ""))

    def _follow(self, browser: requests.Session, page: requests.Response) -> requests.Response:
        """As far as it leads within the provider."""
        while page.headers.get("Location", "").startswith("/"):
            page = browser.get(self.url + page.headers["Location"], timeout=10, allow_redirects=False)
        return page


def _token(html: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert found, html
    return found[1]


def _next(page: requests.Response) -> str:
    found = re.search(r'name="next" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1].replace("&amp;", "&")


@contextmanager
def serving(folder: Path, redirect: str, people: tuple[str, ...]) -> Iterator[IdentityProvider]:
    """A provider for `people` (mallory's address is not verified), which ends with the block."""
    name = f"idp_{secrets.token_hex(4)}"
    server, port = run.postgres(), free_port()
    with psycopg.connect(server.owner_url("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    environment = _environment(folder, server.owner_url(name))
    given = {"client": CLIENT_ID, "secret": CLIENT_SECRET, "password": PASSWORD, "redirect": redirect, "people": people}
    python = [sys.executable, "-W", "ignore"]
    subprocess.run([*python, "-c", _SETUP, json.dumps(given)], check=True, cwd=run.ROOT, env=environment)
    command = [*python, "-m", "django", "runserver", f"127.0.0.1:{port}", "--noreload"]
    with (folder / "idp.log").open("w") as log:
        process = subprocess.Popen(command, cwd=run.ROOT, env=environment, stdout=log, stderr=log)
    try:
        found = IdentityProvider(f"http://127.0.0.1:{port}", Path(environment["IDP_SAYS"]))
        _wait(found.url)
        yield found
    finally:
        process.terminate()
        process.wait(10)
        run.drop(name)


def _environment(folder: Path, database: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.support.idp.settings",
        "IDP_DATABASE_URL": database,
        "IDP_PRIVATE_KEY": pem.decode(),
        "IDP_SAYS": str(folder / "says.json"),
    }


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            requests.get(f"{url}/.well-known/openid-configuration", timeout=5).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)
