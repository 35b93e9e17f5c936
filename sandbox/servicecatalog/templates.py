"""What a template asks for and returns, in Service Catalog's words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.servicecatalog import engine

_CONSTRAINTS = (
    "AllowedPattern",
    "ConstraintDescription",
    "MaxLength",
    "MinLength",
    "MaxValue",
    "MinValue",
)


@dataclass(frozen=True)
class Template:
    """A parsed template: its sections by name."""

    sections: Mapping[str, Any]

    @property
    def definitions(self) -> Mapping[str, Mapping[str, Any]]:
        """The Parameters section."""
        return self.sections.get("Parameters") or {}

    def parameters(self) -> list[dict[str, Any]]:
        """`ProvisioningArtifactParameters`."""
        return [_parameter(key, definition) for key, definition in self.definitions.items()]

    def outputs(self) -> list[dict[str, str]]:
        """`ProvisioningArtifactOutputs`."""
        declared = self.sections.get("Outputs") or {}
        return [{"Key": key, "Description": str(output.get("Description", ""))} for key, output in declared.items()]

    def description(self) -> str:
        return str(self.sections.get("Description") or "")

    def refusal(self, given: Iterable[str]) -> str:
        """Why CloudFormation would refuse these parameter names; empty when it would not."""
        names = set(given)
        unknown = sorted(names - set(self.definitions))
        if unknown:
            return f"Parameters: [{', '.join(unknown)}] do not exist in the template"
        missing = [key for key, one in self.definitions.items() if key not in names and "Default" not in one]
        return f"Parameters: [{', '.join(missing)}] must have values" if missing else ""

    def interface(self) -> Mapping[str, Any]:
        """`AWS::CloudFormation::Interface`: how a console groups and labels the parameters."""
        return (self.sections.get("Metadata") or {}).get("AWS::CloudFormation::Interface") or {}


@lru_cache(maxsize=256)
def read(body: str) -> Template:
    """The template; raises ValueError with what is wrong."""
    return Template(engine.parse_template(body))


def _parameter(key: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = {name: str(definition[name]) for name in _CONSTRAINTS if name in definition}
    if definition.get("AllowedValues"):
        rules["AllowedValues"] = [str(value) for value in definition["AllowedValues"]]
    found: dict[str, Any] = {
        "ParameterKey": key,
        "ParameterType": str(definition.get("Type", "String")),
        "IsNoEcho": str(definition.get("NoEcho", "false")).lower() == "true",
        "Description": str(definition.get("Description", "")),
        "ParameterConstraints": rules,
    }
    if "Default" in definition:
        found["DefaultValue"] = str(definition["Default"])
    return found
