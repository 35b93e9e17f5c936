"""The page of a request leads into AWS's console, in the partition of its stack."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from catalog import console
from portal import clock
from tests.support import launches
from tests.support.cast import Cast

NOW = clock.now().replace(microsecond=0)


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "us-east-1", "https://us-east-1.console.aws.amazon.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
@pytest.mark.parametrize("part", ["approver", "requester"])
def test_the_stack_and_the_provisioned_product_are_one_click_away(
    cast: Cast, client_for: Callable[[Any], Client], part: str, partition: str, region: str, host: str
) -> None:
    stack_id = f"arn:{partition}:cloudformation:{region}:{launches.ACCOUNT}:stack/SC-1-pp-1/0000-1"
    request = launches.open_launch(NOW, stack_id=stack_id, region=region, provisioned_product_id="pp-1")
    page = unescape(client_for(getattr(cast, part)).get(request.get_absolute_url()).content.decode())
    stack, product = console.stack_url(stack_id), console.provisioned_product_url("pp-1", region)
    assert stack.startswith(host)
    assert product.startswith(host)
    assert f'href="{stack}" target="_blank" rel="noopener noreferrer">Open the stack in the AWS console<' in page
    assert f'href="{product}" target="_blank" rel="noopener noreferrer">Open the provisioned product<' in page


def test_a_stack_without_a_provisioned_product_has_one_link(cast: Cast, client_for: Callable[[Any], Client]) -> None:
    request = launches.open_launch(NOW)
    page = client_for(cast.approver).get(request.get_absolute_url()).content.decode()
    assert "Open the stack in the AWS console" in page
    assert "Open the provisioned product" not in page
