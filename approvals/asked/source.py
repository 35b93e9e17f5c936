"""Where the text of a launch's template comes from: the catalogue if it holds the announced one, else CloudFormation.

`notify` announced the digest of what GetTemplate says: of the text, or of the canonical form where AWS decoded JSON.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from approvals.canonical import digest, sha256_hex
from approvals.choices import WhyNot
from approvals.following import stacks
from approvals.models import LaunchRequest, TemplateReading
from catalog import aws
from catalog.models import Template, Version

_REFUSALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class NotRead(Exception):
    """The template is not to be had. `passing`: trying again may help."""

    def __init__(self, why: WhyNot, *, passing: bool = False) -> None:
        super().__init__(why.value)
        self.why, self.passing = why, passing


def template_of(request: LaunchRequest, now: datetime) -> Template:
    """The template that was announced with this request. Raises NotRead."""
    announced = str(request.template.get("sha256") or "")
    if len(announced) != 64:
        raise NotRead(WhyNot.NO_DIGEST)
    known = _catalogued(request, announced)
    if known is not None:
        return known
    text = _asked(request)
    if not is_announced(text, announced):
        raise NotRead(WhyNot.ANOTHER)
    data = text.encode("utf-8", "replace")
    kept = {"body": data.decode(), "size": len(data), "first_read_at": now}
    template, _ = Template.objects.get_or_create(sha256=hashlib.sha256(data).hexdigest(), defaults=kept)
    return template


def is_announced(text: str, announced: str) -> bool:
    """Whether `notify` would have announced this text by this digest."""
    # A byte order mark is not part of what GetTemplate says.
    if sha256_hex(text.encode("utf-8", "replace")) == announced:
        return True
    try:
        return digest(json.loads(text)) == announced
    except (ValueError, RecursionError):
        return False


def _catalogued(request: LaunchRequest, announced: str) -> Template | None:
    """By its digest, or as the template of the version or of an earlier request that was announced by the same."""
    found = Template.objects.filter(sha256=announced).first()
    if found is not None:
        return found
    version = Version.objects.filter(artifact_id=request.version_id, template__isnull=False).select_related("template")
    candidate = version.first()
    if candidate is not None and candidate.template and is_announced(candidate.template.body, announced):
        return candidate.template
    same = TemplateReading.objects.filter(request__stack_id=request.stack_id, request__template__sha256=announced)
    last = same.filter(template__isnull=False).select_related("template").order_by("-pk").first()
    return last.template if last is not None else None


def _asked(request: LaunchRequest) -> str:
    try:
        client = stacks.client(request.stack_id, request.region)
        body: Any = client.get_template(StackName=request.stack_id, TemplateStage="Original")["TemplateBody"]
    except aws.NoReadingRole:
        raise NotRead(WhyNot.NO_ROLE) from None
    except aws.RoleRefused:
        raise NotRead(WhyNot.REFUSED, passing=True) from None
    except ClientError as error:
        code = aws.code_of(error)
        if code == "ValidationError" and "does not exist" in error.response["Error"].get("Message", ""):
            raise NotRead(WhyNot.GONE) from None
        refused = code in _REFUSALS
        raise NotRead(WhyNot.REFUSED if refused else WhyNot.UNREACHABLE, passing=True) from None
    except (BotoCoreError, KeyError, IndexError):
        raise NotRead(WhyNot.UNREACHABLE, passing=True) from None
    # AWS decodes JSON; its order of keys is kept.
    return body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
