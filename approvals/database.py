"""What the application role may do in the database. Runs after every `migrate`, as the owner of the tables.

The application reads and writes rows and nothing else: it cannot alter tables, and it cannot change or remove
what the audit trail says. A trigger says the same; this is the second lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

_APPEND_ONLY = (
    "approvals_auditevent",
    "approvals_audittext",
    "approvals_checkpoint",
    "approvals_decision",
    "approvals_linkdecision",
    "approvals_vote",
)


def prepare(using: str = "default", **_: Any) -> None:
    """Make the cache table and grant the application role its rights. Safe to repeat."""
    call_command("createcachetable", database=using, verbosity=0)
    with connections[using].cursor() as cursor:
        present = connections[using].introspection.table_names(cursor)
        for statement in _grants(sql.Identifier(settings.GATEHOUSE_APP_ROLE), present):
            cursor.execute(statement)


def _grants(role: sql.Identifier, present: list[str]) -> Iterator[sql.Composed]:
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role)
    yield sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(role)
    yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role)
    for table in _APPEND_ONLY:
        if table in present:
            name = sql.Identifier(table)
            yield sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(name, role)
    if "approvals_audittext" in present:
        # Redaction empties a text and says when; what the chain was computed from stays.
        yield sql.SQL("GRANT UPDATE (text, redacted_at) ON approvals_audittext TO {}").format(role)
    yield sql.SQL("REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {}").format(role)
