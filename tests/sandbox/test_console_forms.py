"""A form from a template's parameters, and what it says about values CloudFormation would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.console import rendering
from sandbox.console.forms import Form
from sandbox.servicecatalog.templates import Template

PARAMETERS: dict[str, Any] = {
    "Email": {
        "Type": "String",
        "AllowedPattern": "[^@ ]+@[^@ ]+",
        "ConstraintDescription": "must be an e-mail address.",
    },
    "Size": {"Type": "String", "AllowedValues": ["small", "large"], "Default": "small"},
    "Days": {"Type": "Number", "MinValue": 1, "MaxValue": 30, "Default": 7},
    "Password": {"Type": "String", "NoEcho": True, "MinLength": 8, "MaxLength": 12},
    "Purpose": {"Type": "String", "MaxLength": 1000, "Default": ""},
    "Names": {"Type": "CommaDelimitedList", "Default": "a,b"},
}
INTERFACE = {
    "ParameterGroups": [{"Label": {"default": "Request"}, "Parameters": ["Purpose", "Email", "Gone"]}],
    "ParameterLabels": {"Email": {"default": "Your e-mail address"}},
}
TEMPLATE = Template({"Parameters": PARAMETERS, "Metadata": {"AWS::CloudFormation::Interface": INTERFACE}})
GOOD = {"p.Email": "rita@example.com", "p.Size": "large", "p.Days": "3", "p.Password": "abcdefgh", "p.Purpose": ""}


def errors(**changes: str) -> dict[str, str]:
    form = Form(TEMPLATE, {}, GOOD | {f"p.{key}": value for key, value in changes.items()})
    form.check()
    return form.errors


def test_fields_follow_the_template_and_its_groups() -> None:
    form = Form(TEMPLATE, {}, {})
    assert [(group.title, [field.key for field in group.fields]) for group in form.groups] == [
        ("Request", ["Purpose", "Email"]),
        ("Other parameters", ["Size", "Days", "Password", "Names"]),
    ]
    controls = {field.key: field.control for field in form.fields}
    assert controls == {
        "Email": "text",
        "Size": "select",
        "Days": "number",
        "Password": "password",
        "Purpose": "textarea",
        "Names": "text",
    }
    assert form.values["p.Days"] == "7"
    assert form.fields[0].label == "Your e-mail address"


def test_good_values_have_no_problem() -> None:
    assert errors() == {}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("Email", "nonsense", "Your e-mail address must be an e-mail address."),
        ("Email", "", "Enter a value."),
        ("Size", "huge", "Choose one of the values."),
        ("Days", "many", "Enter a number."),
        ("Days", "31", "Enter a number: 1 to 30."),
        ("Password", "short", "Enter at least 8 characters."),
        ("Password", "much-too-long-a-word", "Enter at most 12 characters; these are 20."),
    ],
)
def test_value_cloudformation_would_refuse_has_a_sentence(key: str, value: str, sentence: str) -> None:
    assert errors(**{key: value}) == {f"p.{key}": sentence}


def test_secret_left_empty_in_an_update_keeps_its_value() -> None:
    form = Form(TEMPLATE, {"Password": "****", "Size": "large"}, GOOD | {"p.Password": ""})
    form.check()
    assert form.errors == {}
    assert {"Key": "Password", "UsePreviousValue": True} in form.parameters()
    assert form.fields[1].default == "large"


@pytest.mark.parametrize(
    "url",
    [
        "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/arn%3Aaws?X-Amz-Signature=1",
        "http://localhost:4566/cloudformation-waitcondition-us-east-1/arn%3Aaws/Handle",
        "http://localhost:4566/x?Expires=1&Signature=abc",
    ],
)
def test_signed_urls_are_hidden(url: str) -> None:
    assert rendering.without_secrets(f'see "{url}", please') == 'see "(signed URL hidden)", please'


def test_record_error_is_taken_apart_for_people() -> None:
    text = (
        "Errors from CloudFormation: [{LogicalResourceId : SC-1, ResourceType : AWS::CloudFormation::Stack, "
        "StatusReason : The following resource(s) failed to create: [Wait]. }, {LogicalResourceId : Wait, "
        "ResourceType : AWS::CloudFormation::WaitCondition, StatusReason : {no}, sorry}]"
    )
    assert rendering.failures(text) == [("Wait", "{no}, sorry")]
    assert rendering.failures("Parameters: [A] must have values") == [("", "Parameters: [A] must have values")]
