"""Writes `.env` for docker-compose.yml: every secret of the containers, made once. Standard library only."""

import base64
import os
import secrets
import sys
from pathlib import Path

PATH = Path(__file__).resolve().parent.parent.parent / ".env"
RANDOM = ("POSTGRES_PASSWORD", "OWNER_PASSWORD", "APP_PASSWORD", "DJANGO_SECRET_KEY")


def main() -> None:
    made = {name: secrets.token_hex(32) for name in RANDOM}
    made["GATEHOUSE_ENCRYPTION_KEYS"] = base64.urlsafe_b64encode(os.urandom(32)).decode()  # a Fernet key
    try:
        handle = os.open(PATH, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in made.items())
    sys.stdout.write(f"  made {PATH}\n")


if __name__ == "__main__":
    main()
