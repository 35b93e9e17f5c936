"""What the desk's processes are told. Nothing of the caller's AWS or Django setup reaches them."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from sandbox import secrets
from sandbox.demo.people import ACCOUNT, REGION

SENDER = "desk@gatehouse.example"
REPLY_DOMAIN = "reply.gatehouse.example"
WORK_QUEUE = "gatehouse-work"
FOREIGN = ("AWS_", "DJANGO_", "GATEHOUSE_", "CELERY_", "DATABASE_", "PG")


@dataclass(frozen=True)
class Ports:
    """Where the desk and the sandbox answer on this machine."""

    desk: int
    sandbox: int

    @property
    def desk_url(self) -> str:
        return f"http://localhost:{self.desk}"

    @property
    def sandbox_url(self) -> str:
        return f"http://localhost:{self.sandbox}"


def inherited() -> dict[str, str]:
    """Our own environment without what would steer AWS clients, Django or PostgreSQL elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    direct = "localhost,127.0.0.1"
    return kept | {"NO_PROXY": direct, "no_proxy": direct, "PYTHONUNBUFFERED": "1"}


def aws(sandbox_url: str) -> dict[str, str]:
    """boto3's own variables: the sandbox as the demo account."""
    return {
        "AWS_ENDPOINT_URL": sandbox_url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def desk(home: Path, ports: Ports, databases: tuple[str, str], spokes: Collection[str] = ()) -> dict[str, str]:
    """What every process of the desk gets; `databases` are the application's and the owner's URL."""
    folder = home / "secrets"
    return inherited() | aws(ports.sandbox_url) | {
        "DATABASE_URL": databases[0],
        "DATABASE_OWNER_URL": databases[1],
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DJANGO_SECRET_KEY": secrets.keep(folder, "django-secret-key"),
        "DJANGO_DEBUG": "0",
        "GATEHOUSE_HOME": str(home),
        "GATEHOUSE_ENCRYPTION_KEYS": secrets.keep(folder, "encryption-keys", encryption_key),
        "GATEHOUSE_DESK_URL": ports.desk_url,
        "GATEHOUSE_ACCOUNTS": ",".join((ACCOUNT, *spokes)),
        "GATEHOUSE_DEV_WAIT_ORIGIN": ports.sandbox_url,
        "GATEHOUSE_DEV_CERT_ORIGIN": ports.sandbox_url,
        "GATEHOUSE_FROM_EMAIL": SENDER,
        "CELERY_BROKER_URL": "sqs://",
    }  # fmt: skip


def encryption_key() -> str:
    """A fresh key for GATEHOUSE_ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()
