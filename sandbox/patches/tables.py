"""Tables of a template with their encryption and time to live, which MiniStack leaves out."""
# ruff: noqa: SLF001 - MiniStack's private names

from collections.abc import Callable
from typing import Any

from sandbox.patches.engine import cloudformation, ministack


def install() -> None:
    """Pass both settings on to the table a template makes or updates."""
    handlers, kind = cloudformation("provisioners")._RESOURCE_HANDLERS, "AWS::DynamoDB::Table"
    handlers[kind] = {
        **handlers[kind],
        "create": _with_settings(handlers[kind]["create"], 1),
        "update": _with_settings(handlers[kind]["update"], 2),
    }


def _with_settings(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    def made(*args: Any, **options: Any) -> Any:
        name, attributes = original(*args, **options)
        properties, tables = args[position], ministack("services.dynamodb")
        if "SSESpecification" in properties:
            given = properties["SSESpecification"]
            wanted = {"Enabled": given.get("SSEEnabled"), "SSEType": given.get("SSEType", "KMS")}
            specification = {**wanted, "KMSMasterKeyId": given.get("KMSMasterKeyId", "")}
            tables._tables[name]["SSEDescription"] = tables._sse_description_from_spec(specification)
        if "TimeToLiveSpecification" in properties:
            tables._update_ttl({"TableName": name, "TimeToLiveSpecification": properties["TimeToLiveSpecification"]})
        return name, attributes

    return made
