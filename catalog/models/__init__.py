"""What Service Catalog offers, as last read. Rows are never deleted: what is gone there says when that was seen."""

from catalog.models.coverage import CoverageDay
from catalog.models.offers import Constraint, Offer, Portfolio
from catalog.models.places import Place, SyncRun
from catalog.models.products import Product, Template, Version
from catalog.models.publishing import Publication, Rollout, Step

__all__ = [
    "Constraint",
    "CoverageDay",
    "Offer",
    "Place",
    "Portfolio",
    "Product",
    "Publication",
    "Rollout",
    "Step",
    "SyncRun",
    "Template",
    "Version",
]
