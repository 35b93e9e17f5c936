"""The one-shot service `setup`: roles, database, tables, the stack in the sandbox, catalogue and cast.

Safe to repeat; the desk's services start when it has ended well. What they cannot know beforehand, the ARN of the
signing key, it leaves in `GATEHOUSE_HOME/signing-key`.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from sandbox.demo import catalogue, fill, hub
from sandbox.demo.installation import ADMINISTRATOR


def roles(superuser_url: str) -> None:
    """The two roles with the passwords of their URLs, and the owner's database."""
    owner, app = (urlsplit(os.environ[name]) for name in ("DATABASE_OWNER_URL", "DATABASE_URL"))
    database = sql.Identifier(app.path.strip("/"))
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for role in (owner, app):
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role.username]).fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            words = (verb, sql.Identifier(role.username or ""), sql.Literal(role.password))
            connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(*words))
        exists = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(exists, [app.path.strip("/")]).fetchone():
            named = sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(owner.username or ""))
            connection.execute(named)


def files(s3: Any, bucket: str) -> None:
    """The bucket for files of messages, under the name that the services are told beforehand."""
    if bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": s3.meta.region_name}}
        s3.create_bucket(Bucket=bucket, **({} if s3.meta.region_name == "us-east-1" else elsewhere))


def main() -> None:
    roles(os.environ["POSTGRES_URL"])
    migrate = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
    subprocess.run(migrate, check=True)  # noqa: S603 - a process of its own: only `migrate` may be the owner
    sandbox_url = os.environ["AWS_ENDPOINT_URL"]
    outputs = hub.prepare(os.environ["GATEHOUSE_DESK_URL"], sandbox_url, ADMINISTRATOR)
    clients = hub.clients(sandbox_url)
    catalogue.register(clients, notify_arn=outputs["NotifyArn"], verify_arn=outputs["VerifyArn"])
    fill.main()
    files(clients("s3"), os.environ["GATEHOUSE_FILES_BUCKET"])
    (Path(os.environ["GATEHOUSE_HOME"]) / "signing-key").write_text(outputs["SigningKeyArn"])


if __name__ == "__main__":
    main()
