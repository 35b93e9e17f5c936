"""Passwords that stand in the template, or in parameters that everybody sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk, listed
from catalog.reading.stack import Resource, Stack
from catalog.templates import references

# Properties whose value is a secret, wherever they stand.
SECRETS = ("AuthToken", "MasterPassword", "MasterUserPassword", "SecretString")
_NESTED = {"AWS::IAM::User": ("LoginProfile", "Password"), "AWS::Cognito::UserPoolUser": ("TemporaryPassword",)}
_DYNAMIC = "{{resolve:"


def written_down(stack: Stack) -> Iterator[Finding]:
    """A password as a literal: whoever reads the template has it."""
    for resource, name, value in _secrets(stack):
        if isinstance(value, str | int) and value and _DYNAMIC not in str(value):
            yield Finding(
                "secret-in-template",
                Risk.HIGH,
                _("A secret stands in the template"),
                _("%(property)s is written down; whoever reads the template knows it."),
                (resource.id,),
                {"property": name},
                sure=resource.sure,
            )


def shown_to_readers(stack: Stack) -> Iterator[Finding]:
    """A password from a parameter without NoEcho: CloudFormation shows it to everybody who may read the stack."""
    parameters = stack.tree.get("Parameters")
    declared = set(parameters) if isinstance(parameters, dict) else set()
    for resource, name, value in _secrets(stack):
        shown = sorted((references(value) & declared) - stack.hidden) if isinstance(value, dict) else []
        if shown and _DYNAMIC not in str(value):
            yield Finding(
                "secret-is-shown",
                Risk.MEDIUM,
                _("A secret is shown to everybody who reads the stack"),
                _("%(property)s comes from %(parameters)s, which is not marked NoEcho."),
                (resource.id,),
                {"property": name, "parameters": listed(shown)},
                sure=resource.sure,
            )


def _secrets(stack: Stack) -> Iterator[tuple[Resource, str, Any]]:
    for resource in stack.resources:
        for path in (*((name,) for name in SECRETS), _NESTED.get(resource.type, ())):
            value = resource.written(*path) if path else None
            if value is not None:
                yield resource, ".".join(path), value
