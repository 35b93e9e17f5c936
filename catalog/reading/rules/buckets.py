"""Buckets that others read or write."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk, listed
from catalog.reading.stack import Stack
from catalog.reading.statements import statements
from catalog.reading.values import is_false, text_of

_PUBLIC = ("PublicRead", "PublicReadWrite", "AuthenticatedRead")
_GUARDS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_TITLE = _("A public bucket")


def public_lists(stack: Stack) -> Iterator[Finding]:
    """An access control list for everybody."""
    for resource in stack.of("AWS::S3::Bucket"):
        for one in resource.at("AccessControl"):
            if text_of(one.value) in _PUBLIC:
                yield Finding(
                    "public-bucket",
                    Risk.HIGH,
                    _TITLE,
                    _("Its access control list is %(list)s: everybody may read what is in it.")
                    if one.value != "PublicReadWrite"
                    else _("Its access control list is %(list)s: everybody may read and write what is in it."),
                    (resource.id,),
                    {"list": text_of(one.value)},
                    sure=one.sure,
                )


def public_policies(stack: Stack) -> Iterator[Finding]:
    """A bucket's policy for everybody, and no condition that says who."""
    for one in statements(stack, "resource"):
        if one.resource.type not in ("AWS::S3::BucketPolicy", "AWS::S3::AccessPoint") or one.narrowed:
            continue
        if any(seen.value == "*" for seen in one.principals):
            yield Finding(
                "public-bucket",
                Risk.MEDIUM if one.conditions else Risk.HIGH,
                _TITLE,
                _("Its policy allows %(actions)s to everybody."),
                (one.resource.id,),
                {"actions": listed([text_of(seen.value) for seen in one.actions])},
                sure=one.sure,
            )


def unguarded(stack: Stack) -> Iterator[Finding]:
    """S3 keeps new buckets private by itself; here that is switched off."""
    for resource in stack.of("AWS::S3::Bucket"):
        guards = [
            name
            for name in _GUARDS
            for one in resource.at("PublicAccessBlockConfiguration", name)
            if is_false(one.value)
        ]
        if guards:
            yield Finding(
                "unguarded-bucket",
                Risk.MEDIUM,
                _("A bucket may be made public"),
                _("S3’s guard against public access is switched off: %(guards)s."),
                (resource.id,),
                {"guards": listed(guards)},
                sure=resource.sure,
            )
