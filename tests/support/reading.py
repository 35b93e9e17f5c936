"""Templates for the tests of what is being asked."""

from __future__ import annotations

from typing import Any

import yaml

from catalog.reading import Finding, digest
from catalog.templates import Document, read

OWN, OTHER = "111122223333", "444455556666"
GIVEN = {"AWS::AccountId": OWN, "AWS::Region": "us-east-1", "AWS::Partition": "aws"}


def document(resources: dict[str, Any], **sections: Any) -> Document:
    return read(yaml.safe_dump({**sections, "Resources": resources}, sort_keys=False).encode())


def found(resources: dict[str, Any], given: dict[str, str] | None = None, **sections: Any) -> list[Finding]:
    return list(digest(document(resources, **sections), GIVEN | (given or {})).findings)


def codes(resources: dict[str, Any], given: dict[str, str] | None = None, **sections: Any) -> set[str]:
    return {finding.code for finding in found(resources, given, **sections)}


def one(kind: str, attributes: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """A template's only resource, called Thing."""
    return {"Thing": {"Type": kind, **(attributes or {}), "Properties": properties}}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}
