"""The indexes of the inbox, and the teams of requests that were routed before. Built while the desk works: no launch
waits for them. Whatever interrupts it, it can be run again: each index is dropped first if something of it is there.

What older requests are found by is written by `manage.py fill_inbox`, which may run beside the desk.
"""

from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

BATCH = 5000
FILL = """
    UPDATE approvals_launchrequest SET teams = ARRAY(
        SELECT DISTINCT g.team_id FROM approvals_stagegroup g JOIN approvals_stage s ON s.id = g.stage_id
        WHERE s.request_id = approvals_launchrequest.id ORDER BY 1
    ) WHERE id BETWEEN %s AND %s
"""
INDEXES = [
    models.Index(fields=["-id"], condition=models.Q(("state__in", ("approved", "rejected"))), name="request_decided"),
    models.Index(fields=["product_id", "-id"], name="request_by_product"),
    models.Index(fields=["portfolio_id", "-id"], name="request_by_portfolio"),
    models.Index(fields=["account", "-id"], name="request_by_account"),
    models.Index(fields=["region", "-id"], name="request_by_region"),
    models.Index(fields=["risk", "-id"], name="request_by_risk"),
    models.Index(fields=["kind", "-id"], name="request_by_kind"),
    models.Index(fields=["-opened_at"], name="request_by_age"),
    GinIndex(fields=["teams"], name="request_teams"),
    GinIndex(models.Func("search_terms", function="array_to_tsvector"), name="request_words"),
]
# Two filters that seldom hold together would be looked for row by row if PostgreSQL took them for independent.
STATISTICS = {
    "request_sorts": "state, kind, risk, region",
    "request_places": "account, region, portfolio_id, product_id",
}


def fill_teams(_apps: Any, schema_editor: Any) -> None:
    """Of requests that were routed before the trigger was there."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM approvals_launchrequest")
        last = cursor.fetchone()[0]
        for first in range(1, last + 1, BATCH):
            cursor.execute(FILL, [first, first + BATCH - 1])


def index(made: models.Index) -> list[Operation]:
    return [dropped(str(made.name)), AddIndexConcurrently(model_name="launchrequest", index=made)]


def dropped(name: str) -> Operation:
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("approvals", "0010_replies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(fill_teams, migrations.RunPython.noop),
        *(operation for made in INDEXES for operation in index(made)),
        migrations.SeparateDatabaseAndState(
            [dropped("request_terms")], [migrations.RemoveIndex("launchrequest", "request_terms")]
        ),
        *(
            migrations.RunSQL(
                f"CREATE STATISTICS IF NOT EXISTS {name} (mcv) ON {columns} FROM approvals_launchrequest;"
                f"ALTER STATISTICS {name} SET STATISTICS 1000",
                f"DROP STATISTICS {name}",
            )
            for name, columns in STATISTICS.items()
        ),
        dropped("hold_unusable"),
        AddIndexConcurrently(
            model_name="hold",
            index=models.Index(fields=["request"], condition=models.Q(("status", "unusable")), name="hold_unusable"),
        ),
        # request_mine serves it as well.
        migrations.AlterField(
            model_name="launchrequest",
            name="requester",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=models.deletion.PROTECT,
                related_name="requests",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
