"""What is refused before the first request: misconfiguration, and rights the application must not have."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery.beat import Scheduler
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, transaction

from approvals.models import AuditEvent, AuditText
from portal import celery
from portal.checks import refuse_mistakes
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

ROOT = Path(__file__).resolve().parents[2]


def found() -> dict[str, str]:
    """Our messages: id → text and hint."""
    ours = (message for message in run_checks() if str(message.id).startswith("gatehouse."))
    return {str(message.id): f"{message.msg} {message.hint}" for message in ours}


def test_a_good_configuration_is_silent() -> None:
    assert found() == {}


def _https(settings: Any) -> None:
    settings.GATEHOUSE_DESK_URL, settings.SECURE = "https://desk.example.com", True


def _https_and(**changes: Any) -> Callable[[Any], None]:
    def change(settings: Any) -> None:
        _https(settings)
        for name, value in changes.items():
            setattr(settings, name, value)

    return change


def _with(**changes: Any) -> Callable[[Any], None]:
    def change(settings: Any) -> None:
        for name, value in changes.items():
            setattr(settings, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "expected", "hint"),
    [
        (_with(GATEHOUSE_ENCRYPTION_KEYS=[]), "gatehouse.E001", "Fernet.generate_key"),
        (
            _with(GATEHOUSE_ENCRYPTION_KEYS=[Fernet.generate_key().decode(), "s3cret"]),
            "gatehouse.E002",
            "position 2",
        ),
        (_https_and(SECRET_KEY="short"), "gatehouse.E003", "token_urlsafe"),
        (_with(GATEHOUSE_DESK_URL="desk.example.com"), "gatehouse.E004", "https://desk.example.com"),
        (_with(GATEHOUSE_DESK_URL="https://desk.example.com/path"), "gatehouse.E004", "host only"),
        (_https_and(DEBUG=True), "gatehouse.E005", "DJANGO_DEBUG=0"),
        (_https_and(GATEHOUSE_DEV_WAIT_ORIGIN="http://localhost:4566"), "gatehouse.E006", "DEV_WAIT_ORIGIN"),
        (_https_and(GATEHOUSE_DEV_CERT_ORIGIN="http://localhost:4566"), "gatehouse.E006", "DEV_CERT_ORIGIN"),
        (_with(GATEHOUSE_SIGNING_KEY="alias/gatehouse"), "gatehouse.E007", "arn:aws:kms:"),
        (_with(GATEHOUSE_ACCOUNTS=["111122223333", "12"]), "gatehouse.E008", "twelve digits"),
        (
            _with(GATEHOUSE_READER_ACCOUNTS=["12"], GATEHOUSE_READER_EXTERNAL_ID="desk"),
            "gatehouse.E010",
            "twelve digits",
        ),
        (_with(GATEHOUSE_READER_ACCOUNTS=["111122223333"]), "gatehouse.E011", "ExternalId"),
        (_with(GATEHOUSE_DESK_URL="http://desk.example.com"), "gatehouse.W001", "TLS"),
        (_with(GATEHOUSE_SIGN_IN="providers"), "gatehouse.E023", "GATEHOUSE_OIDC_ISSUER"),
        (_with(BEHIND_PROXY=True, GATEHOUSE_PROXIES=0), "gatehouse.E009", "one load balancer is 1"),
    ],
)
def test_each_mistake_has_an_id_and_says_what_to_write(
    settings: Any, change: Callable[[Any], None], expected: str, hint: str
) -> None:
    change(settings)
    assert list(found()) == [expected]
    assert hint in found()[expected]
    assert "s3cret" not in found()[expected]


def test_local_origins_are_fine_on_a_local_desk(settings: Any) -> None:
    settings.GATEHOUSE_DEV_WAIT_ORIGIN = settings.GATEHOUSE_DEV_CERT_ORIGIN = "http://localhost:4566"
    assert found() == {}


def test_a_server_with_a_mistake_does_not_start(settings: Any) -> None:
    settings.GATEHOUSE_ENCRYPTION_KEYS = []
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_ENCRYPTION_KEYS is not set"):
        refuse_mistakes()


def test_a_server_with_a_warning_starts(settings: Any) -> None:
    settings.GATEHOUSE_DESK_URL = "http://desk.example.com"
    refuse_mistakes()
    celery.refuse_mistakes()


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "import portal.wsgi"),
        ("-m", "celery", "-A", "portal", "worker", "--pool=threads", "--concurrency=1"),
        ("-m", "celery", "-A", "portal", "beat", "--pidfile="),
        ("manage.py", "intake", "--once"),
    ],
    ids=["web", "worker", "beat", "intake"],
)
def test_no_process_of_the_desk_starts_with_a_mistake(command: tuple[str, ...]) -> None:
    """Here: trust in a local origin, left over on a desk that is open to the world."""
    environment = os.environ | {
        "GATEHOUSE_DESK_URL": "https://desk.example.com",
        "GATEHOUSE_DEV_WAIT_ORIGIN": "http://localhost:4566",
        "CELERY_BROKER_URL": "memory://",
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    assert "GATEHOUSE_DEV_WAIT_ORIGIN is set on a desk with an https address" in done.stderr


@pytest.mark.parametrize(
    ("environment", "count"),
    [
        ({}, 0),
        ({"GATEHOUSE_PROXIES": "2"}, 0),
        ({"GATEHOUSE_BEHIND_PROXY": "1"}, 1),
        ({"GATEHOUSE_BEHIND_PROXY": "1", "GATEHOUSE_PROXIES": "2"}, 2),
    ],
)
def test_forwarded_addresses_are_believed_only_behind_a_proxy(environment: dict[str, str], count: int) -> None:
    script = "from portal import settings; print(settings.ALLAUTH_TRUSTED_PROXY_COUNT)"
    said = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, env=os.environ | environment)
    assert int(said) == count


def test_beat_keeps_no_file_that_somebody_else_could_have_written() -> None:
    beat: Any = celery.app.Beat()
    service = beat.Service(app=celery.app, scheduler_cls=beat.scheduler_cls)
    assert type(service.get_scheduler(lazy=True)) is Scheduler


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals_auditevent SET code = 'approved'",
        "DELETE FROM approvals_auditevent",
        "TRUNCATE approvals_auditevent CASCADE",
        "UPDATE approvals_checkpoint SET digest = ''",
        "DELETE FROM approvals_checkpoint",
        "DELETE FROM approvals_audittext",
        "UPDATE approvals_audittext SET salt = ''",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'x', now())",
        "ALTER TABLE approvals_auditevent DISABLE TRIGGER ALL",
        "DROP TABLE approvals_auditevent",
        "CREATE TABLE mine (id int)",
    ],
)
def test_the_application_role_cannot_change_what_was_written(cast: Cast, statement: str) -> None:
    open_launch(now())
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)


def test_a_text_can_be_redacted(cast: Cast) -> None:
    open_launch(now())
    event = AuditEvent.objects.order_by("-pk")[0]
    text = AuditText.objects.create(event=event, name="reason", salt="00", text="Rita's phone number")
    AuditText.objects.filter(pk=text.pk).update(text="", redacted_at=now())
    text.refresh_from_db()
    assert text.text == ""
