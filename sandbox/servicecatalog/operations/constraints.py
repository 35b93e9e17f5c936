"""Constraints on a product in a portfolio. LAUNCH, NOTIFICATION and RESOURCE_UPDATE take effect."""

import json
from typing import Any

from sandbox.servicecatalog import views
from sandbox.servicecatalog.entities import Constraint, new_id
from sandbox.servicecatalog.errors import (
    DuplicateResourceError,
    InvalidParametersError,
    ResourceNotFoundError,
)
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.operations.shares import as_owner
from sandbox.servicecatalog.operations.tokens import once
from sandbox.servicecatalog.paging import page

_SINGLE = {"LAUNCH", "STACKSET"}
_TAG_UPDATES = {"ALLOWED", "NOT_ALLOWED"}


@operation
def create_constraint(call: Call) -> dict[str, Any]:
    return _shown(call.catalogue.constraint(once(call, "IdempotencyToken", lambda: _create(call).id)))


def _create(call: Call) -> Constraint:
    portfolio, product = call.catalogue.portfolio(call.text("PortfolioId")), call.text("ProductId")
    if call.catalogue.product(product).id not in portfolio.products:
        raise ResourceNotFoundError(f"Product {product} is not in portfolio {portfolio.id}.")
    kind = call.text("Type")
    _check(kind, call.text("Parameters"))
    others = {constraint.type for constraint in call.catalogue.constraints_of(portfolio.id, product)}
    if kind in others - {"TEMPLATE", "NOTIFICATION"}:
        raise DuplicateResourceError(f"The product has a {kind} constraint in this portfolio already.")
    if kind in _SINGLE and others & _SINGLE:
        raise InvalidParametersError("A product has either a LAUNCH or a STACKSET constraint in a portfolio, not both.")
    constraint = Constraint(new_id("cons"), kind, portfolio.id, product, call.text("Parameters"), call.caller.account)
    constraint.description = call.text("Description")
    call.catalogue.constraints[constraint.id] = constraint
    return constraint


def _check(kind: str, text: str) -> None:
    """The parameters each type documents (aws-facts §3.4)."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise InvalidParametersError("Parameters are not JSON.") from error
    checks = {
        "LAUNCH": lambda: len({"RoleArn", "LocalRoleName"} & set(given)) == 1,
        "NOTIFICATION": lambda: isinstance(given.get("NotificationArns"), list),
        "RESOURCE_UPDATE": lambda: _tag_updates(given) in _TAG_UPDATES,
        "STACKSET": lambda: "Properties" in given,
        "TEMPLATE": lambda: isinstance(given.get("Rules"), dict),
    }
    if kind not in checks:
        raise InvalidParametersError(f"Unknown constraint type {kind}.")
    if not isinstance(given, dict) or not checks[kind]():
        raise InvalidParametersError(f"The parameters do not fit a {kind} constraint.")


def _tag_updates(given: dict[str, Any]) -> str:
    return str((given.get("Properties") or {}).get("TagUpdateOnProvisionedProduct", ""))


def tag_updates_allowed(constraints: list[Constraint]) -> bool:
    """Whether an update may change the provisioned product's tags."""
    return any(_tag_updates(json.loads(c.parameters)) == "ALLOWED" for c in constraints if c.type == "RESOURCE_UPDATE")


def launch_role(constraints: list[Constraint], account: str) -> str:
    """The role of the LAUNCH constraint; empty without one."""
    for constraint in constraints:
        if constraint.type == "LAUNCH":
            given = json.loads(constraint.parameters)
            return str(given.get("RoleArn") or f"arn:aws:iam::{account}:role/{given['LocalRoleName']}")
    return ""


def notification_arns(constraints: list[Constraint]) -> list[str]:
    """The topics of all NOTIFICATION constraints."""
    given = (json.loads(c.parameters) for c in constraints if c.type == "NOTIFICATION")
    return [str(arn) for parameters in given for arn in parameters["NotificationArns"]]


@operation
def update_constraint(call: Call) -> dict[str, Any]:
    constraint = call.catalogue.constraint(call.text("Id"))
    if "Parameters" in call.params:
        _check(constraint.type, call.text("Parameters"))
        constraint.parameters = call.text("Parameters")
    constraint.description = call.params.get("Description", constraint.description)
    return _shown(constraint)


@operation
def describe_constraint(call: Call) -> dict[str, Any]:
    """One's own, or one of an imported portfolio."""
    for portfolio_id in call.catalogue.imported:
        theirs = as_owner(call, portfolio_id=portfolio_id).catalogue
        found = theirs.constraints.get(call.text("Id"))
        if found and found.portfolio_id == portfolio_id:
            return _shown(found)
    return _shown(call.catalogue.constraint(call.text("Id")))


def _shown(constraint: Constraint) -> dict[str, Any]:
    return {
        "ConstraintDetail": views.constraint_detail(constraint),
        "ConstraintParameters": constraint.parameters,
        "Status": "AVAILABLE",
    }


@operation
def delete_constraint(call: Call) -> dict[str, Any]:
    del call.catalogue.constraints[call.catalogue.constraint(call.text("Id")).id]
    return {}


@operation
def list_constraints_for_portfolio(call: Call) -> dict[str, Any]:
    call = as_owner(call, portfolio_id=call.text("PortfolioId"))
    portfolio = call.catalogue.portfolio(call.text("PortfolioId"))
    found = call.catalogue.constraints_of(portfolio.id, call.text("ProductId"))
    return page(call, "ConstraintDetails", [views.constraint_detail(constraint) for constraint in found])
