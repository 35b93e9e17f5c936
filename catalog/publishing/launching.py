"""Launch roles that cannot launch a gated version, as the desk knows them: CloudFormation calls the gate's functions
with their rights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.coverage.roles import role_of, sentence_of
from catalog.models import Constraint, Product


@dataclass(frozen=True, slots=True)
class Role:
    """`sentence`: what is known of it, in the reader's language. `fails`: launches with it do; else nobody knows."""

    arn: str
    sentence: str
    fails: bool


def doubtful(products: Iterable[Product]) -> tuple[list[Role], list[Role]]:
    """Those with which launches fail, and those of which it cannot be told."""
    constraints = Constraint.objects.filter(
        product__in=list(products),
        type=Constraint.LAUNCH,
        removed_at=None,
        portfolio__removed_at=None,
    ).select_related("place")
    found = sorted({_role(one) for one in constraints if _is_doubtful(one)}, key=lambda one: (one.arn, one.sentence))
    return [one for one in found if one.fails], [one for one in found if not one.fails]


def _is_doubtful(constraint: Constraint) -> bool:
    return bool(constraint.role_refuses or constraint.role_unasked or constraint.role_asked_at is None)


def _role(constraint: Constraint) -> Role:
    place = constraint.place
    name = role_of(constraint, place.account, place.region) or constraint.constraint_id
    fails = bool(constraint.role_refuses) or constraint.role_unasked == "no_role"
    return Role(name, sentence_of(constraint), fails)
