"""Portfolios, which products they offer, and under which constraints."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from catalog.models.places import Place, When
from catalog.models.products import Product


class Portfolio(models.Model):
    """As seen in one place. `shared`: another account's, imported here.

    `seen_in`, `contents_in`: the last run that saw it, and all that is in it.
    """

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="portfolios")
    portfolio_id = models.CharField(max_length=100)
    arn = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200)
    provider = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    shared = models.BooleanField(default=False)
    created_at: When = models.DateTimeField(null=True)
    removed_at: When = models.DateTimeField(null=True)
    seen_in = models.BigIntegerField(default=0)
    contents_in = models.BigIntegerField(default=0)

    objects: ClassVar[models.Manager[Portfolio]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["place", "portfolio_id"], name="one_row_per_portfolio")]

    def __str__(self) -> str:
        return self.name


class Offer(models.Model):
    """A product in a portfolio."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="offers")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="offers")
    removed_at: When = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Offer]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["portfolio", "product"], name="one_offer_per_portfolio")]

    def __str__(self) -> str:
        return f"{self.product} in {self.portfolio}"


class Constraint(models.Model):
    """On a product in a portfolio. Of a LAUNCH one, either `role_arn` or `role_name` (a role of this name in the
    account of the launch) says who launches. `parameters` are as AWS answered at `read_at`.

    `role_refuses`: functions of Gatehouse that role may not call, as of `role_asked_at`; `role_unasked` is a code
    that says why this could not be told, see catalog.coverage.roles.
    """

    LAUNCH = "LAUNCH"

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="constraints")
    constraint_id = models.CharField(max_length=100)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="constraints")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="constraints")
    type = models.CharField(max_length=1024)
    description = models.TextField(blank=True)
    role_arn = models.CharField(max_length=2048, blank=True)
    role_name = models.CharField(max_length=200, blank=True)
    parameters = models.JSONField(default=dict)
    read_at: When = models.DateTimeField(null=True)
    removed_at: When = models.DateTimeField(null=True)
    role_refuses = models.JSONField(default=list)
    role_unasked = models.CharField(max_length=100, blank=True)
    role_asked_at: When = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Constraint]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["place", "constraint_id"], name="one_row_per_constraint")]

    def __str__(self) -> str:
        return f"{self.type} {self.constraint_id}"
