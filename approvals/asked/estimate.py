"""A link to AWS's calculator with what a launch makes in it, where EstimateTemplateCost gives one. Best effort."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import structlog

from approvals.following import stacks
from approvals.models import LaunchRequest, TemplateReading
from catalog.reading.values import HIDDEN

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

# The only place the page may send people to.
HOSTS = ("calculator.aws", "calculator.s3.amazonaws.com")
# What the call takes as a body (CFN quotas).
_LARGEST = 51_200
log = structlog.get_logger(__name__)


def ask(request: LaunchRequest) -> None:
    """Ask once and keep the link. Nothing that goes wrong here stops whoever asks."""
    try:
        _ask(request)
    except Exception as error:  # noqa: BLE001 - an estimate is an extra; others wait to be read
        log.info("no estimate", request=request.pk, error=type(error).__name__)


def _ask(request: LaunchRequest) -> None:
    """Hidden values are never sent: a template that needs them has no estimate."""
    reading = TemplateReading.objects.select_related("template").filter(request=request).first()
    if reading is None or reading.template is None or reading.template.size > _LARGEST:
        return
    # An SSM parameter takes a name, and the launch tells what that stood for.
    own = {one["name"] for one in reading.digest["parameters"] if one["no_echo"] or "SSM::Parameter" in one["type"]}
    values: list[ParameterTypeDef] = [
        {"ParameterKey": one["name"], "ParameterValue": one["value"]}
        for one in request.parameters
        if one["name"] not in own and one.get("value") not in (None, HIDDEN)
    ]
    client = stacks.client(request.stack_id, request.region)
    answer = client.estimate_template_cost(TemplateBody=reading.template.body, Parameters=values)
    url = trusted(str(answer.get("Url", "")))
    if url:
        TemplateReading.objects.filter(pk=reading.pk).update(estimate_url=url)


def trusted(url: str) -> str:
    """The link over TLS if it leads to AWS's calculator; else the empty string."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or parts.netloc not in HOSTS or port or len(url) > 1000:
        return ""
    return urlunsplit(parts._replace(scheme="https"))
