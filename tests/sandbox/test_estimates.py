"""EstimateTemplateCost, as far as the desk uses it."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.gate import Gate

TEMPLATE = {"Parameters": {"Name": {"Type": "String"}}, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}}


def test_a_template_has_an_estimate(gate: Gate) -> None:
    given = [{"ParameterKey": "Name", "ParameterValue": "x"}]
    answer = gate.cloudformation.estimate_template_cost(TemplateBody=json.dumps(TEMPLATE), Parameters=given)
    assert answer["Url"].startswith("https://calculator.aws/#/estimate?key=")


def test_a_parameter_without_a_value_has_none(gate: Gate) -> None:
    with pytest.raises(ClientError, match=r"Parameters: \[Name\] must have values"):
        gate.cloudformation.estimate_template_cost(TemplateBody=json.dumps(TEMPLATE))
