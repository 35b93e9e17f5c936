"""How coverage was day by day, for its trend."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from catalog.models.places import Place


class CoverageDay(models.Model):
    """Of one place, as it stood when that day (UTC) was judged last.

    `products`: risk → how many products; `versions`: verdict → how many versions that are not inactive. Both keys
    are text.
    """

    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="coverage_days")
    day = models.DateField()
    products = models.JSONField(default=dict)
    versions = models.JSONField(default=dict)

    objects: ClassVar[models.Manager[CoverageDay]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["place", "day"], name="one_row_per_place_and_day")]

    def __str__(self) -> str:
        return f"{self.place} {self.day}"
