"""Rights around the gate: who has to be able to call the functions, and who must not see wait URLs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError
from django.utils.translation import gettext_noop as _

from approvals.doctor import products
from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.products import Version
from approvals.doctor.registry import check
from approvals.doctor.visit import Place, Visit, code_of
from catalog import partitions, rights

_MANAGED = ("AWSServiceCatalogEndUserFullAccess", "AWSServiceCatalogEndUserReadOnlyAccess")
# aws-facts §1.5: what returns a handle's physical id or an event's properties.
_REVEALING = (
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackResource",
    "cloudformation:DescribeStackResources",
    "cloudformation:ListStackResources",
)
_LISTS = {
    "role": "list_attached_role_policies",
    "user": "list_attached_user_policies",
    "group": "list_attached_group_policies",
}


@check(
    "launch_role",
    Severity.CRITICAL,
    title=_("Rights of launch roles"),
    why=_("CloudFormation calls the functions with the launch role's rights: without them every launch fails at once."),
    remedy=_("Give the role lambda:InvokeFunction on the functions gatehouse-notify and gatehouse-verify."),
)
def launch_role(visit: Visit) -> Iterator[Problem]:
    here = visit.here
    for product_id, group in products.gated(visit).items():
        functions = _functions(group)
        for role in _launch_roles(here, product_id):
            for function in functions:
                if not rights.may(here, role, "lambda:InvokeFunction", function):
                    seen = _("The launch role of %(product)s may not call %(function)s.")
                    yield problem(seen, about=role, product=group[0].product, function=function.rpartition(":")[2])


def _functions(group: list[Version]) -> list[str]:
    """What the gates of a product call, as far as it is known before a launch."""
    told = {token for one in group for _call, token in one.calls}
    return sorted(token for token in told if token and ":lambda:" in token)


def _launch_roles(here: Place, product_id: str) -> list[str]:
    roles = set()
    for portfolio in here.pages(
        "servicecatalog", "list_portfolios_for_product", "PortfolioDetails", ProductId=product_id
    ):
        constraints = here.pages(
            "servicecatalog",
            "list_constraints_for_portfolio",
            "ConstraintDetails",
            PortfolioId=portfolio["Id"],
            ProductId=product_id,
        )
        for one in constraints:
            if one["Type"] == "LAUNCH":
                told = here.read("servicecatalog", "describe_constraint", Id=one["ConstraintId"])
                given = json.loads(told["ConstraintParameters"])
                roles.add(given.get("RoleArn") or _role_arn(here, given["LocalRoleName"]))
    return sorted(roles)


def _role_arn(here: Place, name: str) -> str:
    return f"arn:{partitions.of_region(here.region).name}:iam::{here.account}:role/{name}"


@check(
    "wait_url_revealed",
    Severity.WARNING,
    title=_("Rights of end users"),
    why=_(
        "Whoever reads a stack's events or resources sees its wait URL and can pass a classic gate alone; a "
        "gate with a "
        "receipt then stops the launch, and the desk raises an alarm."
    ),
    remedy=_(
        "Attach the end-user policy shipped with Gatehouse instead (docs/aws.md), or deny these actions on stack/SC-*."
    ),
)
def wait_url_revealed(visit: Visit) -> Iterator[Problem]:
    here = visit.here
    partition = partitions.of_region(here.region).name
    stack = f"arn:{partition}:cloudformation:{here.region}:{here.account}:stack/SC-{here.account}-pp-any/any"
    for principal in _principals(visit):
        kind = principal.split(":")[-1].partition("/")[0]
        if kind not in _LISTS or "*" in principal or f":{here.account}:" not in principal:
            yield problem(
                _("%(principal)s cannot be checked: it is a pattern, or in another account."),
                about=principal,
                severity=Severity.INFO,
                principal=principal,
            )
            continue
        try:
            seen = rights.simulated(here, principal, list(_REVEALING), stack)
            managed = _managed(here, kind, principal) if not seen else []
        except ClientError as error:
            if code_of(error) not in ("NoSuchEntity", "NoSuchEntityException"):
                raise
            continue
        if seen:
            actions = [action.partition(":")[2] for action in seen]
            yield problem(
                _("%(principal)s may use %(actions)s."), about=principal, principal=principal, actions=actions
            )
        elif managed:
            sentence = _("%(principal)s has the policy %(policy)s.")
            yield problem(sentence, about=principal, principal=principal, policy=managed)


def _principals(visit: Visit) -> list[str]:
    """Who may launch a gated product."""
    here, found = visit.here, set[str]()
    for product_id in products.gated(visit):
        for portfolio in here.pages(
            "servicecatalog", "list_portfolios_for_product", "PortfolioDetails", ProductId=product_id
        ):
            listed = here.pages(
                "servicecatalog", "list_principals_for_portfolio", "Principals", PortfolioId=portfolio["Id"]
            )
            found |= {one["PrincipalARN"] for one in listed}
    return sorted(found)


def _managed(here: Place, kind: str, principal: str) -> list[str]:
    """AWS's own end-user policies by name: they reveal, whatever a simulation without them says."""
    names = {f"{kind.capitalize()}Name": principal.rpartition("/")[2]}
    attached = here.pages("iam", _LISTS[kind], "AttachedPolicies", **names)
    return [one["PolicyName"] for one in attached if one["PolicyName"] in _MANAGED]
