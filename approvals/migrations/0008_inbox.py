"""Which teams a request is routed to, kept by a trigger. Requests that are there already are filled in by 0011."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
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
    ]
