"""Code and templates that others wrote and may change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.utils.translation import gettext_noop as _

from catalog.reading.accounts import account_in, is_foreign
from catalog.reading.findings import Finding, Risk, listed
from catalog.reading.stack import MORE, Stack
from catalog.reading.values import Seen, at, is_known, text_of

_OURS = ("AWS::Serverless-2016-10-31", "AWS::LanguageExtensions")


def functions_of_others(stack: Stack) -> Iterator[Finding]:
    """Custom resources that call a function of another account, or one that nobody can name yet."""
    for resource in stack.resources:
        if not (resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"):
            continue
        for one in resource.at("ServiceToken"):
            if is_foreign(text_of(one.value), stack.account):
                yield Finding(
                    "foreign-function",
                    Risk.HIGH,
                    _("Code of another account runs"),
                    _("The custom resource calls a function of %(account)s; what it does is decided there."),
                    (resource.id,),
                    {"account": account_in(text_of(one.value))},
                    sure=one.sure and bool(stack.account),
                )
            elif _is_elsewhere(one, stack):
                yield Finding(
                    "unknown-function",
                    Risk.LOW,
                    _("Code from outside the template runs"),
                    _("The custom resource calls a function that this template does not make."),
                    (resource.id,),
                    sure=one.sure,
                )


def _is_elsewhere(one: Seen, stack: Stack) -> bool:
    """Neither a resource of the template, nor told."""
    named = re.match(r"\$\{([^.}]+)", text_of(one.value))
    return not (named and named[1] in stack.ids)


def nested_templates(stack: Stack) -> Iterator[Finding]:
    """Stacks within the stack: their templates are not read here, and may be exchanged unless pinned."""
    for resource in stack.of("AWS::CloudFormation::Stack", "AWS::Serverless::Application"):
        urls = [one.value for name in ("TemplateURL", "Location") for one in resource.at(name)]
        pinned = bool(urls) and all(is_pinned(url) for url in urls)
        yield Finding(
            "nested-template" if pinned else "loose-template",
            Risk.LOW if pinned else Risk.MEDIUM,
            _("A template within the template"),
            _("What the nested stack makes is not read here. Its template is pinned to one version.")
            if pinned
            else _(
                "What the nested stack makes is not read here, and whoever may write its template can still change it."
            ),
            (resource.id,),
            sure=resource.sure,
        )


def is_pinned(url: Any) -> bool:
    """Whether nobody can exchange what is behind it: it is known, and names one version of an object."""
    return isinstance(url, str) and is_known(url) and "versionId" in parse_qs(urlsplit(url).query)


def other_stacks(stack: Stack) -> Iterator[Finding]:
    """Stack sets make stacks in other accounts and regions."""
    for resource in stack.of("AWS::CloudFormation::StackSet"):
        yield Finding(
            "stack-set",
            Risk.HIGH,
            _("Makes stacks in other accounts"),
            _("A stack set makes stacks in the accounts and regions it names; what they make is not read here."),
            (resource.id,),
            sure=resource.sure,
        )


def macros(stack: Stack) -> Iterator[Finding]:
    """What rewrites the template before CloudFormation takes it."""
    foreign = [name for name in stack.transforms if name not in _OURS]
    foreign += [text_of(one.value) for one in at(stack.tree, "Fn::Transform", "Name") if is_known(one.value)]
    resources = stack.tree.get("Resources")
    if isinstance(resources, dict):
        foreign += [text_of(one.value) for one in at(resources, "Fn::Transform", "Name")]
    if foreign:
        yield Finding(
            "macro",
            Risk.MEDIUM,
            _("A macro rewrites the template"),
            _("%(macros)s changes the template before anything is made; what comes of it is not read here."),
            (),
            {"macros": listed(foreign)},
        )
    if any(name.startswith("AWS::Serverless") for name in stack.transforms):
        yield Finding(
            "sam",
            Risk.LOW,
            _("SAM adds resources"),
            _("AWS’s Serverless transform makes more of the template than stands here: roles, permissions, APIs."),
        )
    if modules := [one.id for one in stack.resources if one.type.endswith("::MODULE")]:
        yield Finding(
            "module",
            Risk.MEDIUM,
            _("A module adds resources"),
            _("What the module makes stands in the account’s registry and is not read here."),
            tuple(modules),
        )


def long_loops(stack: Stack) -> Iterator[Finding]:
    """Loops that make more than anybody reads."""
    for resource in stack.of(MORE):
        yield Finding(
            "unchecked",
            Risk.MEDIUM,
            _("Not everything could be checked"),
            _("The loop “%(loop)s” makes more than is written out here; look at it yourself."),
            (),
            {"loop": resource.id},
        )
