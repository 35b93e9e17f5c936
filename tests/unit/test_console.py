"""Links into AWS's console: the right host in every partition, every name encoded."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from approvals import awsurls
from catalog import console, partitions

PLACES = [
    ("aws", "us-east-1", "us-east-1.console.aws.amazon.com"),
    ("aws", "ap-southeast-3", "ap-southeast-3.console.aws.amazon.com"),
    ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
    ("aws-cn", "cn-northwest-1", "cn-northwest-1.console.amazonaws.cn"),
    ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
]


def stack(partition: str, region: str) -> str:
    return f"arn:{partition}:cloudformation:{region}:111122223333:stack/SC-111122223333-pp-1/0000-11"


@pytest.mark.parametrize(("partition", "region", "host"), PLACES)
def test_a_stack_opens_in_the_console_of_its_partition(partition: str, region: str, host: str) -> None:
    parts = urlsplit(console.stack_url(stack(partition, region)))
    assert (parts.scheme, parts.netloc, parts.path) == ("https", host, "/cloudformation/home")
    assert parse_qs(parts.query) == {"region": [region]}
    page, _, given = parts.fragment.partition("?stackId=")
    assert page == "/stacks/stackinfo"
    assert "/" not in given
    assert ":" not in given
    assert unquote(given) == stack(partition, region)


@pytest.mark.parametrize(("partition", "region", "host"), PLACES)
def test_a_provisioned_product_opens_in_service_catalog(partition: str, region: str, host: str) -> None:
    url = console.provisioned_product_url("pp-abc123", region)
    assert url == f"https://{host}/servicecatalog/home?region={region}#provisioned-products/pp-abc123"


@pytest.mark.parametrize(("partition", "region", "host"), PLACES)
def test_end_users_find_the_products_of_a_region(partition: str, region: str, host: str) -> None:
    assert console.products_url(region) == f"https://{host}/servicecatalog/home?region={region}#products"


@pytest.mark.parametrize("nothing", ["", "prod-1", "javascript:alert(1)", "arn:aws:sns:us-east-1:1:x", "a:b:c"])
def test_what_is_no_stack_and_no_provisioned_product_has_no_page(nothing: str) -> None:
    assert console.stack_url(nothing) == ""
    assert console.provisioned_product_url(nothing, "us-east-1") == ""


def test_hostile_names_stay_in_their_place() -> None:
    url = console.provisioned_product_url('pp-"><script>/../?#&\ud800', "us-east-1")
    assert url.startswith("https://us-east-1.console.aws.amazon.com/servicecatalog/home?region=us-east-1#")
    assert not set(url.rpartition("/")[2]) & set('"<>?#&')
    assert console.stack_url("arn:aws:cloudformation:evil.example/:1:stack/x/y").startswith(
        "https://evil.example%2F.console.aws.amazon.com/"
    )


@pytest.mark.parametrize(("partition", "region", "host"), PLACES)
def test_regions_and_partitions_agree_everywhere(partition: str, region: str, host: str) -> None:
    assert partitions.of_region(region).name == partition
    found = awsurls.stack_of(stack(partition, region))
    assert found is not None
    assert found.partition == partition
