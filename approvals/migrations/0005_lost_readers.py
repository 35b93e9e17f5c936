from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0004_requests_by_product"),
    ]

    operations = [
        migrations.AddField(
            model_name="templatereading",
            name="failures",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
