from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0004_publishing"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="claimed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="syncrun",
            name="left_out",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="syncrun",
            name="takeovers",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
