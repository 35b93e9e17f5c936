from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0005_lost_readers"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="launchrequest",
            name="request_to_name",
        ),
        migrations.AddIndex(
            model_name="launchrequest",
            index=models.Index(fields=["account", "region"], name="request_origin"),
        ),
        migrations.AddIndex(
            model_name="launchrequest",
            index=models.Index(
                fields=["opened_at"],
                condition=models.Q(
                    models.Q(("product_id__gt", ""), ("product_name", "")),
                    models.Q(("version_id__gt", ""), ("version_name", "")),
                    _connector="OR",
                ),
                name="request_nameless",
            ),
        ),
    ]
