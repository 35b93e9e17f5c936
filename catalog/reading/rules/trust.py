"""Who outside may use what the stack makes: everybody, other accounts, other identity providers."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.accounts import account_in, is_foreign
from catalog.reading.findings import Finding, Risk, listed
from catalog.reading.stack import Resource, Stack
from catalog.reading.statements import Statement, statements
from catalog.reading.values import Seen, is_known, is_true, text_of
from portal.phrases import Fact

# Public buckets have their own rule.
_BUCKETS = ("AWS::S3::BucketPolicy", "AWS::S3::AccessPoint")
_OTHERS = _("Another account may use it")


def everybody(stack: Stack) -> Iterator[Finding]:
    """A principal that is everybody, and no condition that says who."""
    for one in statements(stack, "trust", "resource"):
        wild = [seen for seen in one.principals if seen.value in ("*", "arn:aws:iam::*:root")]
        if not wild or one.narrowed or one.resource.type in _BUCKETS or _is_inside(one):
            continue
        trust = one.place == "trust"
        yield Finding(
            "anybody-becomes" if trust else "anybody-uses",
            Risk.MEDIUM if one.conditions else Risk.HIGH,
            _("Anybody may take the role") if trust else _("Anybody may use it"),
            _("Its policy trusts every AWS account there is, and no condition says who may come."),
            (one.resource.id,),
            sure=one.sure and any(seen.sure for seen in wild),
        )


def _is_inside(one: Statement) -> bool:
    """An API or a domain inside a network is reached by those inside it only."""
    resource = one.resource
    private = "PRIVATE" in [text_of(seen.value) for seen in resource.at("EndpointConfiguration", "Types")]
    return private or any(True for _seen in resource.at("VPCOptions", "SubnetIds"))


def other_accounts(stack: Stack) -> Iterator[Finding]:
    """Accounts that are not the launch's own."""
    for one in statements(stack, "trust", "resource"):
        foreign = [seen for seen in one.principals if is_foreign(text_of(seen.value), stack.account)]
        if foreign:
            trust = one.place == "trust"
            yield Finding(
                "other-account-becomes" if trust else "other-account-uses",
                Risk.HIGH if trust and not one.conditions else Risk.MEDIUM,
                _("Another account may take the role") if trust else _OTHERS,
                _("Its policy trusts %(accounts)s, which is not the account of this launch."),
                (one.resource.id,),
                {"accounts": _accounts(foreign)},
                sure=one.sure and bool(stack.account) and any(seen.sure for seen in foreign),
            )


def _accounts(foreign: list[Seen]) -> Fact:
    return listed([account_in(text_of(seen.value)) for seen in foreign])


def federated(stack: Stack) -> Iterator[Finding]:
    """Tokens of a provider outside AWS open the role, and no condition says whose."""
    for one in statements(stack, "trust"):
        subject = any(key.rpartition(":")[2] in ("sub", "amr", "saml:sub", "aud", "oaud") for key in one.conditions)
        outside = [text_of(seen.value) for seen in one.federated]
        # Everybody who uses GitHub has the same audience.
        if any("token.actions.githubusercontent" in text for text in outside):
            subject = any(key.endswith(":sub") for key in one.conditions)
        if outside and not subject:
            yield Finding(
                "any-token",
                Risk.HIGH,
                _("Any token of a provider opens the role"),
                _("The role trusts tokens of %(providers)s, and no condition says whose."),
                (one.resource.id,),
                {"providers": listed(outside)},
                sure=one.sure,
            )


def functions_for_others(stack: Stack) -> Iterator[Finding]:
    """Permissions of functions: everybody, or another account."""
    limits = ("SourceAccount", "SourceArn", "PrincipalOrgID")
    for resource in stack.of("AWS::Lambda::Permission"):
        limited = any(limit in resource.properties for limit in limits)
        for one in resource.at("Principal"):
            who = text_of(one.value)
            if who == "*" and not limited:
                yield Finding(
                    "anybody-uses",
                    Risk.HIGH,
                    _("Anybody may use it"),
                    _("Every AWS account may call the function."),
                    (resource.id,),
                    sure=one.sure,
                )
            elif is_foreign(who, stack.account):
                yield _other(resource, one, [one], stack)


def open_function_urls(stack: Stack) -> Iterator[Finding]:
    """A function's own address that asks nobody who they are."""
    for resource in stack.of("AWS::Lambda::Url"):
        for one in resource.at("AuthType"):
            if one.value == "NONE" or not is_known(one.value):
                yield Finding(
                    "open-function",
                    Risk.MEDIUM,
                    _("Anybody on the internet may call a function"),
                    _("The function’s address asks for no sign-in."),
                    (resource.id,),
                    sure=one.sure and is_known(one.value),
                )


def shared_with_others(stack: Stack) -> Iterator[Finding]:
    """Shares, peerings and event buses that reach into other accounts."""
    places = {
        "AWS::RAM::ResourceShare": ("Principals",),
        "AWS::EC2::VPCPeeringConnection": ("PeerOwnerId",),
        "AWS::Events::EventBusPolicy": ("Principal",),
        "AWS::EC2::VPCEndpointServicePermissions": ("AllowedPrincipals",),
    }
    for resource in stack.of(*places):
        reached = list(resource.at(*places[resource.type]))
        foreign = [one for one in reached if is_foreign(text_of(one.value), stack.account)]
        if foreign:
            yield _other(resource, foreign[0], foreign, stack)
        elif any(text_of(one.value) == "*" for one in reached) and "Condition" not in resource.properties:
            yield Finding(
                "anybody-uses",
                Risk.HIGH,
                _("Anybody may use it"),
                _("It is open to every AWS account there is."),
                (resource.id,),
                sure=resource.sure,
            )
        elif any(is_true(one.value) for one in resource.at("AllowExternalPrincipals")) and reached:
            yield Finding(
                "other-account-uses",
                Risk.LOW,
                _OTHERS,
                _("It may be shared with accounts outside the organisation."),
                (resource.id,),
                sure=resource.sure,
            )


def _other(resource: Resource, one: Seen, foreign: list[Seen], stack: Stack) -> Finding:
    return Finding(
        "other-account-uses",
        Risk.MEDIUM,
        _OTHERS,
        _("It is open to %(accounts)s, which is not the account of this launch."),
        (resource.id,),
        {"accounts": _accounts(foreign)},
        sure=one.sure and bool(stack.account),
    )
