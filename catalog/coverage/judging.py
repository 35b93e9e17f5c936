"""Judges the versions of products by what is stored of them, and writes down what it comes to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet

from catalog.coverage.analysis import VERSION, Analysis, analyse, analysis_of
from catalog.coverage.doors import open_doors, risk_of_product
from catalog.coverage.verdicts import Facts, judge
from catalog.models import Constraint, Product, Version

_BATCH = 50


def assess(products: QuerySet[Product]) -> int:
    """Judge these products; how many versions' verdicts changed. Asks nobody."""
    versions = Version.objects.existing().select_related("template").defer("template__body").order_by("pk")
    found = products.order_by("pk").prefetch_related(Prefetch("versions", versions, to_attr="judged"))
    lacking = _with_weak_roles()
    return sum(_assess(product, role_lacks_rights=product.pk in lacking) for product in found.iterator(_BATCH))


def _with_weak_roles() -> set[int]:
    """The products that a launch role may not call the functions for, or that have one which does not exist."""
    launched = Constraint.objects.filter(type=Constraint.LAUNCH, removed_at=None)
    weak = launched.filter(~Q(role_refuses=[]) | Q(role_unasked="no_role"))
    return set(weak.values_list("product_id", flat=True))


def _assess(product: Product, *, role_lacks_rights: bool) -> int:
    """One product, in a transaction of its own: its risk always fits its versions' verdicts."""
    versions: list[Version] = getattr(product, "judged")  # noqa: B009 - made by the prefetch
    known = {version.pk: _analysis(version) for version in versions}
    twins = _twins(versions, known)
    changed = []
    for version in versions:
        judgement = judge(_facts(product, version, known[version.pk], twins.get(version.pk, ())))
        reasons = [reason.to_json() for reason in judgement.reasons]
        if (version.verdict, version.reasons) != (judgement.verdict, reasons):
            version.verdict, version.reasons = judgement.verdict, reasons
            changed.append(version)
    risk = risk_of_product(product, versions, role_lacks_rights=role_lacks_rights)
    doors = len(open_doors(versions))
    if changed or (product.risk, product.open_versions) != (risk, doors):
        with transaction.atomic():
            Version.objects.bulk_update(changed, ["verdict", "reasons"])
            Product.objects.filter(pk=product.pk).update(risk=risk, open_versions=doors)
    return len(changed)


def held(product: Product) -> set[int]:
    """The versions (keys) of which nothing is made or changed before a gate was approved, as far as can be told.

    What was not analysed yet, or by other readers than ours, is analysed now, and not kept.
    """
    versions = list(product.versions.select_related("template").defer("template__body").order_by("pk"))
    known = {version.pk: _analysis_now(version) for version in versions}
    twins = _twins([version for version in versions if version.removed_at is None], known)
    judged = {one.pk: judge(_facts(product, one, known[one.pk], twins.get(one.pk, ()))) for one in versions}
    return {key for key, judgement in judged.items() if judgement.verdict.is_whole}


def _analysis_now(version: Version) -> Analysis | None:
    template = version.template
    if template is not None and template.analysis_version != VERSION:
        return analyse(template.body)
    return _analysis(version)


def _analysis(version: Version) -> Analysis | None:
    template = version.template
    return analysis_of(template.analysis, template.analysis_version) if template else None


def _facts(product: Product, version: Version, analysis: Analysis | None, twins: Iterable[str]) -> Facts:
    # Where a launch of it runs; elsewhere its functions are called by their place's own names.
    place = product.place or product
    return Facts(
        launches_stacks=product.launches_stacks and version.launches_stacks,
        account=place.account,
        region=place.region,
        analysis=analysis,
        unread=version.template_unread,
        has_template=version.template is not None,
        twins=tuple(twins),
    )


def _twins(versions: list[Version], known: Mapping[int, Analysis | None]) -> dict[int, list[str]]:
    """Version → the names of those with other templates whose gate has the same logical ids."""
    groups: dict[tuple[str, ...], list[Version]] = defaultdict(list)
    for version in versions:
        analysis = known[version.pk]
        if analysis is not None and analysis.handles:
            groups[tuple(analysis.handles)].append(version)
    return {
        version.pk: [str(one) for one in group if one.template_id != version.template_id]
        for group in groups.values()
        for version in group
        if any(one.template_id != version.template_id for one in group)
    }
