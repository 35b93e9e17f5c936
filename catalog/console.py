"""Deep links into AWS's console, in every partition. They show what the reader's own rights there allow."""

from __future__ import annotations

from urllib.parse import quote

from catalog import partitions


def stack_url(stack_id: str) -> str:
    """The page of one stack. `stack_id` is its ARN; the empty string for anything else."""
    parts = stack_id.split(":", 5)
    if len(parts) < 6 or parts[2] != "cloudformation":
        return ""
    return f"{_home('cloudformation', parts[3])}#/stacks/stackinfo?stackId={_encoded(stack_id)}"


def stack_events_url(stack_id: str) -> str:
    """What CloudFormation says of one stack, as it happens; the empty string for anything but a stack's ARN."""
    return stack_url(stack_id).replace("/stackinfo?", "/events?")


def provisioned_product_url(provisioned_product_id: str, region: str) -> str:
    """The page of one provisioned product (`pp-…`) in Service Catalog; the empty string where there is none."""
    if not provisioned_product_id.startswith("pp-"):
        return ""
    return f"{_home('servicecatalog', region)}#provisioned-products/{_encoded(provisioned_product_id)}"


def product_url(product_id: str, region: str) -> str:
    """The administrators' page of one product (`prod-…`) in Service Catalog; the empty string for anything else."""
    if not product_id.startswith("prod-"):
        return ""
    return f"{_home('servicecatalog', region)}#admin-products/{_encoded(product_id)}"


def products_url(region: str) -> str:
    """The end users' list of products that can be launched in that region."""
    return f"{_home('servicecatalog', region)}#products"


def _home(service: str, region: str) -> str:
    place = _encoded(region)
    return f"https://{place}.{partitions.of_region(region).console}/{service}/home?region={place}"


def _encoded(text: str) -> str:
    return quote(text, safe="", errors="replace")
