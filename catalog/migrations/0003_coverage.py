import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_mirror"),
    ]

    operations = [
        migrations.AddField(
            model_name="place",
            name="covered_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="product",
            name="risk",
            field=models.PositiveSmallIntegerField(default=5),
        ),
        migrations.AddField(
            model_name="product",
            name="open_versions",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="version",
            name="verdict",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name="version",
            name="reasons",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="constraint",
            name="role_refuses",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="constraint",
            name="role_unasked",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="constraint",
            name="role_asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="CoverageDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("products", models.JSONField(default=dict)),
                ("versions", models.JSONField(default=dict)),
                (
                    "place",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="coverage_days",
                        to="catalog.place",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="coverageday",
            constraint=models.UniqueConstraint(fields=("place", "day"), name="one_row_per_place_and_day"),
        ),
    ]
