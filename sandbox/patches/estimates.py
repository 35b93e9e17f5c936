"""EstimateTemplateCost: MiniStack lacks it. The link leads to AWS's calculator, which knows nothing of the sandbox."""
# ruff: noqa: SLF001 - MiniStack's private names

import secrets
from typing import Any

from sandbox.patches.engine import cloudformation


def install() -> None:
    """Answer the action as CloudFormation does: a link for a template it can read with these parameters."""
    handlers = cloudformation("handlers")
    handlers._ACTION_HANDLERS["EstimateTemplateCost"] = _estimate


def _estimate(params: dict[str, Any]) -> Any:
    handlers = cloudformation("handlers")
    checked = handlers._validate_template(params)
    if checked[0] != 200:
        return checked
    body, _error = handlers._resolve_template(params)
    declared = handlers._parse_template(body).get("Parameters") or {}
    given = {value[0] for key, value in params.items() if key.endswith(".ParameterKey")}
    missing = [name for name, about in declared.items() if "Default" not in about and name not in given]
    if missing:
        return handlers._error("ValidationError", f"Parameters: [{', '.join(missing)}] must have values")
    url = f"https://calculator.aws/#/estimate?key=cloudformation/{secrets.token_hex(16)}"
    inner = f"<EstimateTemplateCostResult><Url>{url}</Url></EstimateTemplateCostResult>"
    return handlers._xml(200, "EstimateTemplateCostResponse", inner)
