from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_sync_trouble"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="versions_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="product",
            name="cut_off",
            field=models.BooleanField(default=False),
        ),
    ]
