"""What a publication's error codes mean, and what to do, as sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from catalog.sync import problems

# The gate takes no template like that; its own words say why (report.reason).
GATE = "gate"


def of_publication(code: str) -> str:
    """The sentences for `Publication.error`; empty without one, and for GATE."""
    kind, _colon, rest = code.partition(":")
    if not code or kind == GATE:
        return ""
    if kind == "unread":
        return problems.of_template(rest) or _("Its template has not been read yet: wait for the next reading.")
    known = _SENTENCES.get(kind)
    return known(rest) if known else problems.of_run(code)


def _denied(action: str) -> str:
    return _(
        "The publishing role may not do %(action)s. Deploy the hub's current template with AllowPublishing=yes again; "
        "it makes the role and the bucket with the rights that are needed."
    ) % {"action": action}


def _aws(code: str) -> str:
    if code == "LimitExceededException":
        return _("The product has as many versions as AWS allows (100). Delete some that nothing runs on, and go on.")
    if code == "InvalidParametersException":
        return _("Service Catalog does not accept the gated template. Please report it with the template.")
    return _("AWS answered %(code)s. Look the code up in the documentation of Service Catalog or S3, then go on.") % {
        "code": code
    }


_SENTENCES: dict[str, Callable[[str], str]] = {
    "aws": _aws,
    "by_hand": lambda _rest: _(
        "It has a gate written by hand, which was left as it is. Plan it again and have it replaced to get Gatehouse's."
    ),
    "busy": lambda _rest: _("Another publication of this product is not finished."),
    "creating": lambda _rest: _("AWS is still making the new version."),
    "creation_failed": lambda _rest: _("AWS could not make the new version. Nothing was retired."),
    "cut_list": lambda _rest: _(
        "AWS listed only some of the product's versions, so it cannot be told which stay open. Delete versions that "
        "nothing runs on, and go on."
    ),
    "denied": _denied,
    "engine": lambda _rest: _("A launch of it is no CloudFormation stack: no gate can hold it."),
    "foreign": lambda _rest: _(
        "It belongs to another account than the publishing role: its owner has to gate it there."
    ),
    "gate_changed": lambda _rest: _("Gatehouse was updated meanwhile and writes another gate now. Plan it again."),
    "gone": lambda _rest: _("The version, or the bucket of templates, does not exist any more."),
    "held_in_part": lambda _rest: _(
        "It has a gate written by hand that does not hold everything. Plan it again and have that gate replaced, or "
        "mend the template."
    ),
    "mirror_behind": lambda _rest: _(
        "There are versions the desk has not read yet; their account is being read first."
    ),
    "no_version": lambda _rest: _("It has no active version."),
    "not_as_planned": lambda _rest: _(
        "The new version's template is not the one that was planned. Nothing more was retired. Make the new version "
        "inactive, find out who writes into the bucket of templates, then abandon this and plan it again."
    ),
    "not_read_back": lambda rest: " ".join(
        part
        for part in (
            _("The new version's template could not be read back, so it is not known to be the planned one."),
            problems.of_template(rest),
            _("Nothing more was retired."),
        )
        if part
    ),
    "not_versioned": lambda _rest: _(
        "The bucket of templates keeps no versions, so what is in it could be exchanged. Switch versioning on."
    ),
    "off": lambda _rest: _(
        "Publishing is off: GATEHOUSE_PUBLISHER_ROLE and GATEHOUSE_TEMPLATE_BUCKET are not both set."
    ),
    "role_refused": lambda _rest: _(
        "AWS did not let the worker take the publishing role. Its trust names WorkerRoleArn of the hub; after mending "
        "it may take five minutes until the desk tries again."
    ),
    "switched_off": lambda _rest: _(
        "The gated version cannot be launched: it is inactive or deprecated. No more versions are retired for it."
    ),
    "unwatched": lambda _rest: _("The account and region it belongs to is not watched."),
}
