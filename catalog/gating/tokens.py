"""Which function a custom resource of the gate calls: its ServiceToken.

The requester fills in the launch's parameters. A token that depends on one would let them name a function of their own,
so a parameter is taken only where its AllowedValues are the administrator's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from catalog.gating.errors import BadOption
from catalog.gating.resources import section
from catalog.templates import Document, references
from catalog.templates.walking import entries
from portal.phrases import Phrase

# The mapping by region of tokens that are given so.
REGIONS = "GatehouseRegions"
_ARN = re.compile(r"arn:(aws[a-z-]*):(lambda|sns):([a-z0-9-]+):(\d{12}):([A-Za-z0-9_.:$/-]+)\Z")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d\Z")
_EXPORT = re.compile(r"[A-Za-z0-9:-]+\Z")
_FUNCTIONS = ("Ref", "Fn::GetAtt", "Fn::ImportValue", "Fn::Sub", "Fn::Join", "Fn::FindInMap", "Fn::Select", "Fn::Split")
_WAYS = Phrase(
    "Give an ARN, REGION=ARN[,REGION=ARN…], import:EXPORT or the JSON of a function such as Ref or Fn::GetAtt."
)


@dataclass(frozen=True, slots=True)
class Token:
    """`value`: the property in its long form, None where it is looked up in `regions`: region → ARN."""

    value: Any
    column: str
    regions: dict[str, str] = field(default_factory=dict)

    def found_in(self, mapping: str) -> Any:
        """The property, with the mapping's name where one is needed."""
        return {"Fn::FindInMap": [mapping, {"Ref": "AWS::Region"}, self.column]} if self.regions else self.value


def token_of(text: str | None, function: str, column: str) -> Token:
    """`function`: the name of the function beside the stack, for None. Raises BadOption."""
    if text is None:
        arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + function
        return Token({"Fn::Sub": arn}, column)
    given = text.strip()
    if given.startswith("{"):
        return Token(_function(given), column)
    if given.startswith("import:"):
        return Token({"Fn::ImportValue": _export(given.removeprefix("import:"))}, column)
    if "=" in given:
        return Token(None, column, dict(_by_region(given)))
    return Token(_arn(given), column)


def _arn(text: str) -> str:
    if not _ARN.match(text):
        what = Phrase(
            "%(given)s is not the ARN of a Lambda function or an SNS topic. %(ways)s", given=repr(text), ways=_WAYS
        )
        raise BadOption(what)
    return text


def _export(name: str) -> str:
    if not _EXPORT.match(name):
        what = Phrase("%(given)s is not the name of an export: letters, digits, colons and hyphens.", given=repr(name))
        raise BadOption(what)
    return name


def _by_region(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split(","):
        region, _equals, arn = (part.strip() for part in pair.partition("="))
        if not _REGION.match(region):
            raise BadOption(Phrase("%(given)s is not a region. %(ways)s", given=repr(region), ways=_WAYS))
        if _arn(arn).split(":")[3] != region:
            what = Phrase(
                "The function for %(region)s is in %(other)s: CloudFormation calls one beside it.",
                region=region,
                other=arn.split(":")[3],
            )
            raise BadOption(what)
        yield region, arn


def _function(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadOption(Phrase("%(given)s is not JSON. %(ways)s", given=repr(text[:60]), ways=_WAYS)) from None
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in _FUNCTIONS:
        raise BadOption(Phrase("%(given)s is not one of %(known)s.", given=repr(text[:60]), known=_FUNCTIONS))
    # Variables of an Fn::Sub count too: they are not needed in a token.
    if any(name not in _FUNCTIONS for name, _argument in entries(value)):
        raise BadOption(Phrase("Only %(known)s may stand in a token.", known=_FUNCTIONS))
    if isinstance(attribute := value.get("Fn::GetAtt"), str):
        value = {"Fn::GetAtt": attribute.split(".", 1)}
    return value


def open_parameters(value: Any, doc: Document) -> list[str]:
    """The launch parameters by which a requester can make a token whatever he likes."""
    parameters = section(doc, "Parameters")
    given = {} if parameters is None else dict(parameters.entries())
    return sorted(name for name in references(_chosen(value)) & given.keys() if not _is_pinned(doc.data(given[name])))


def _chosen(value: Any) -> Any:
    """Without the keys of lookups: whatever they are, a mapping holds what its author wrote."""
    if isinstance(value, list):
        return [_chosen(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _chosen(one[3:] if key == "Fn::FindInMap" and isinstance(one, list) else one) for key, one in value.items()
    }


def _is_pinned(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    values = data.get("AllowedValues")
    # Of an SSM type only the name is pinned, not what is stored there.
    return isinstance(values, list) and bool(values) and data.get("Type") in ("String", "Number")
