"""Whether anything is gated: one version that can be launched and stops at a gate."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.setup.steps import Standing, Step
from catalog.coverage.verdicts import Verdict
from catalog.models import Version

_GATED = [verdict for verdict in Verdict if verdict.is_gated]


def step(_now: datetime) -> Step:
    versions = Version.objects.launchable().filter(product__removed_at__isnull=True)
    gated = versions.filter(verdict__in=_GATED).select_related("product").order_by("pk").first()
    known = gated is not None or versions.exists()
    return Step(
        code="product",
        title=_("A product is gated"),
        why=_("Only what has a gate waits for a decision; everything else is launched without asking."),
        standing=Standing.DONE if gated else Standing.TODO if known else Standing.UNKNOWN,
        seen=(_seen(str(gated.product) if gated else "", known=known),),
        todo=_todo(),
        commands=("python manage.py gate template.yaml -o template.gated.yaml",),
        links=((_("Catalogue"), reverse("catalogue")),),
    )


def _seen(gated: str, *, known: bool) -> str:
    if gated:
        return _("%(product)s has a gate.") % {"product": gated[:120]}
    if known:
        return _("There are products, and none has a gate.")
    return _("No product was read yet. The catalogue is read and judged within minutes of being watched.")


def _todo() -> str:
    if settings.GATEHOUSE_PUBLISHER_ROLE and settings.GATEHOUSE_TEMPLATE_BUCKET:
        return _("Choose a product in the catalogue and publish a gated version of it, or put the gate in by command.")
    return _("Put the gate into a product's template by command, and make a new version of the product with it.")
