"""Which teams a request is routed to, and the indexes of the inbox. Built while the desk works: no launch waits for them,
so each step is a transaction of its own.

What older requests are found by is written by `manage.py fill_inbox`, which may run beside the desk.
"""

from typing import Any

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

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


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("approvals", "0007_the_desk"),
    ]

    operations = [
        migrations.AddField(
            model_name="launchrequest",
            name="teams",
            field=ArrayField(
                base_field=models.BigIntegerField(), db_default=models.Value([]), default=list, editable=False, size=None
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="stagegroup",
            trigger=pgtrigger.compiler.Trigger(name='teams_of_request', sql=pgtrigger.compiler.UpsertTriggerSql(func='\n    UPDATE approvals_launchrequest SET teams = ARRAY(\n        SELECT DISTINCT g.team_id FROM approvals_stagegroup g JOIN approvals_stage s ON s.id = g.stage_id\n        WHERE s.request_id = approvals_launchrequest.id ORDER BY 1\n    ) WHERE id = (SELECT request_id FROM approvals_stage WHERE id = COALESCE(NEW.stage_id, OLD.stage_id));\n    RETURN NULL;\n', hash='d04dfb94f12331a2ca7781efe721eba4366c30fc', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_teams_of_request_ea2dc', table='approvals_stagegroup', when='AFTER')),
        ),
        migrations.RunPython(fill_teams, migrations.RunPython.noop),
        *(AddIndexConcurrently(model_name="launchrequest", index=index) for index in INDEXES),
        RemoveIndexConcurrently(model_name="launchrequest", name="request_terms"),
        *(
            migrations.RunSQL(
                f"CREATE STATISTICS {name} (mcv) ON {columns} FROM approvals_launchrequest;"
                f"ALTER STATISTICS {name} SET STATISTICS 1000",
                f"DROP STATISTICS {name}",
            )
            for name, columns in STATISTICS.items()
        ),
    ]
