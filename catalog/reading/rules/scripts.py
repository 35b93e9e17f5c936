"""Scripts that fetch something and run it unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk
from catalog.reading.stack import Stack
from catalog.reading.values import text_of
from catalog.templates.walking import texts

_FETCHED_AND_RUN = re.compile(
    r"\b(?:curl|wget)\b[^\n|;&]{0,400}\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:ba|z|da|k)?sh\b"
    r"|\b(?:ba|z|da)?sh\s+(?:-c\s+[\"']?\$\(|<\()\s*(?:curl|wget)\b"
    r"|\b(?:iex|invoke-expression)\b[^\n]{0,200}\b(?:downloadstring|iwr|invoke-webrequest|irm)\b"
    r"|\b(?:iwr|irm|invoke-webrequest)\b[^\n]{0,200}\|\s*(?:iex|invoke-expression)\b",
    re.IGNORECASE,
)
_PATHS = (("UserData",), ("LaunchTemplateData", "UserData"), ("LaunchConfiguration", "UserData"))


def fetched_and_run(stack: Stack) -> Iterator[Finding]:
    """`curl … | sh` in user data and in what cfn-init runs."""
    for resource in stack.resources:
        scripts = [text_of(one.value) for path in _PATHS for one in resource.at(*path) if isinstance(one.value, str)]
        metadata = resource.raw.get("Metadata")
        if isinstance(metadata, dict) and "AWS::CloudFormation::Init" in metadata:
            scripts += texts(metadata["AWS::CloudFormation::Init"])
        if any(_FETCHED_AND_RUN.search(script) for script in scripts):
            yield Finding(
                "fetched-and-run",
                Risk.LOW,
                _("Runs a script from the internet unseen"),
                _("At its start it downloads a script and runs it at once; whoever serves it decides what happens."),
                (resource.id,),
                sure=resource.sure,
            )
