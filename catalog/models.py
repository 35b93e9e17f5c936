"""What Service Catalog offers, as last read. Rows are never deleted: old requests point at old versions."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models


class Product(models.Model):
    product_id = models.CharField(max_length=100)
    account = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    name = models.CharField(max_length=8191)
    owner = models.CharField(max_length=8191, blank=True)
    description = models.TextField(blank=True)
    updated_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Product]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product_id"], name="one_row_per_product")]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A provisioning artifact. `active` is false once nobody can launch it any more."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="versions")
    artifact_id = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=8192)
    active = models.BooleanField(default=True)
    created_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Version]] = models.Manager()

    def __str__(self) -> str:
        return self.name
