from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0003_what_is_asked"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="launchrequest",
            index=models.Index(fields=["product_id", "opened_at"], name="request_product"),
        ),
    ]
