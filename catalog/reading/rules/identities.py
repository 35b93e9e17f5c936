"""IAM: who is made, and who becomes an administrator."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk, listed
from catalog.reading.stack import Resource, Stack
from catalog.reading.values import text_of

# What CloudFormation makes only if it was told CAPABILITY_IAM, and the property that names it: then it wants
# CAPABILITY_NAMED_IAM.
_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Policy": "",
    "AWS::IAM::UserToGroupAddition": "",
}
_MIGHTY = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")


def makes_identities(stack: Stack) -> Iterator[Finding]:
    """IAM resources, and the capability CloudFormation wants for them."""
    made = list(stack.of(*_NAMES))
    if made:
        named = any(_is_named(resource) for resource in made)
        yield Finding(
            "iam",
            Risk.LOW,
            _("Makes identities or rights"),
            _("The stack makes identities or policies in IAM; CloudFormation asks for %(capability)s."),
            tuple(resource.id for resource in made),
            {"capability": "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"},
            sure=any(resource.sure for resource in made),
        )


def _is_named(resource: Resource) -> bool:
    return bool(_NAMES[resource.type]) and _NAMES[resource.type] in resource.properties


def long_lived_keys(stack: Stack) -> Iterator[Finding]:
    """Access keys, and users with a password: neither expires."""
    for resource in stack.of("AWS::IAM::AccessKey", "AWS::IAM::User"):
        if resource.type == "AWS::IAM::AccessKey" or "LoginProfile" in resource.properties:
            yield Finding(
                "long-lived-key",
                Risk.MEDIUM,
                _("A key that does not expire"),
                _("Makes an access key or a password of an IAM user, valid until somebody takes it away."),
                (resource.id,),
                sure=resource.sure,
            )


def administrators(stack: Stack) -> Iterator[Finding]:
    """AWS's managed policies that give nearly everything."""
    types = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
    for resource in stack.of(*types, "AWS::SSO::PermissionSet", "AWS::Serverless::Function"):
        keys = ("ManagedPolicyArns", "ManagedPolicies", "Policies")
        given = [one for key in keys for one in resource.at(key) if isinstance(one.value, str)]
        mighty = [(one, name) for one in given if (name := text_of(one.value).rpartition("/")[2]) in _MIGHTY]
        if mighty:
            yield Finding(
                "administrator",
                Risk.HIGH,
                _("Gives an administrator’s rights"),
                _("AWS’s policy %(policies)s is attached: whoever acts as it can do nearly anything in the account."),
                (resource.id,),
                {"policies": listed([name for _one, name in mighty])},
                sure=any(one.sure for one, _name in mighty),
            )
