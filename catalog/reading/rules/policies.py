"""What identities of the template may do: wildcards where they matter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk, listed
from catalog.reading.stack import Stack
from catalog.reading.statements import Statement, statements
from catalog.reading.values import Seen, is_known, text_of

_ALL = ("*", "*:*")
_WHOLE = re.compile(r"[a-z0-9-]+:\*+\Z", re.IGNORECASE)
# Whoever has one of these on everything can give itself the rest.
_ESCALATING = re.compile(
    r"(?:iam:(?:\*|passrole|put\w*policy|attach\w*policy|createpolicyversion|setdefaultpolicyversion|"
    r"updateassumerolepolicy|createaccesskey|createloginprofile|updateloginprofile|addusertogroup)"
    r"|sts:assumerole|organizations:\*|sso:\*)\Z",
    re.IGNORECASE,
)
# Actions that only read names and states, and those that AWS cannot narrow to a resource, or that harm nobody.
_HARMLESS = re.compile(
    r"(?:[a-z0-9-]+:(?:describe|list|lookup|search)[\w*]*"
    r"|(?:ec2|autoscaling|cloudwatch|elasticloadbalancing|iam|route53|tag|ecr|logs|s3|ssm|xray):get(?!object|parameter)[\w*]*"
    r"|logs:(?:create|put)[\w*]*|cloudwatch:put(?:metricdata|\*)|xray:put\w*|ecr:(?:getauthorizationtoken|batch(?:get|check)\w*)"
    r"|ec2:(?:create|delete|attach|assign|unassign)\w*(?:networkinterface|privateipaddresses)\w*"
    r"|(?:ssm|ssmmessages|ec2messages):(?!sendcommand|startsession|getparameter|putparameter|\*)[\w*]*"
    r"|sts:getcalleridentity|kms:(?:describekey|listaliases)|events:putevents|sns:listtopics)\Z",
    re.IGNORECASE,
)


def everything(stack: Stack) -> Iterator[Finding]:
    """Action * and, worse, on Resource *; and everything but a few things."""
    for one in statements(stack, "identity"):
        wild = [seen for seen in one.actions if seen.value in _ALL]
        if not (wild or one.but):
            continue
        risk = _risk(one, Risk.HIGH if one.everywhere else Risk.MEDIUM)
        sure = one.sure and (one.but or any(seen.sure for seen in wild))
        if one.but:
            yield Finding(
                "everything-but",
                risk,
                _("May do everything but a few things"),
                _("The policy allows every action except %(actions)s, those of services to come included."),
                (one.resource.id,),
                {"actions": listed([text_of(seen.value) for seen in one.actions])},
                sure=sure,
            )
        else:
            yield Finding(
                "everything",
                risk,
                _("May do everything"),
                _("The policy allows every action on every resource.")
                if one.everywhere
                else _("The policy allows every action on the resources it names."),
                (one.resource.id,),
                sure=sure,
            )


def whole_services(stack: Stack) -> Iterator[Finding]:
    """Every action of a service, on any resource: `s3:*` on `*`."""
    for one in statements(stack, "identity"):
        whole = [
            text_of(seen.value).partition(":")[0].lower()
            for seen in one.actions
            if _is(_WHOLE, seen) and not _is(_ESCALATING, seen) and not _is(_HARMLESS, seen)
        ]
        if whole and one.everywhere and not one.but:
            yield Finding(
                "whole-service",
                _risk(one, Risk.MEDIUM),
                _("May do everything in a service"),
                _("The policy allows every action of %(services)s on every resource."),
                (one.resource.id,),
                {"services": listed(whole)},
                sure=one.sure,
            )


def any_resource(stack: Stack) -> Iterator[Finding]:
    """Single actions that change or read something, on any resource."""
    for one in statements(stack, "identity"):
        single = [
            text_of(seen.value)
            for seen in one.actions
            if is_known(seen.value)
            and seen.value not in _ALL
            and not any(_is(pattern, seen) for pattern in (_WHOLE, _ESCALATING, _HARMLESS))
        ]
        if single and one.everywhere and not one.but:
            yield Finding(
                "any-resource",
                Risk.LOW,
                _("May act on every resource"),
                _("The policy names no resource; it allows %(actions)s on all there are."),
                (one.resource.id,),
                {"actions": listed(single)},
                sure=one.sure,
            )


def more_rights(stack: Stack) -> Iterator[Finding]:
    """Rights by which an identity can get others: passing any role, writing policies, becoming another role."""
    for one in statements(stack, "identity"):
        actions = [text_of(seen.value) for seen in one.actions if _is(_ESCALATING, seen)]
        if actions and one.everywhere and not one.but:
            yield Finding(
                "more-rights",
                _risk(one, Risk.HIGH),
                _("Can get itself more rights"),
                _("The policy allows %(actions)s on every resource, and with that the rights of other roles."),
                (one.resource.id,),
                {"actions": listed(actions)},
                sure=one.sure,
            )


def _is(pattern: re.Pattern[str], seen: Seen) -> bool:
    return bool(pattern.match(text_of(seen.value)))


def _risk(one: Statement, risk: Risk) -> Risk:
    """A condition narrows, in ways no list of rules can weigh."""
    return risk.lighter() if one.conditions else risk
