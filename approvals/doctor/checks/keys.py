"""The signing key: the desk signs receipts with it, verify accepts them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Place, Visit, code_of
from catalog import aws

WRONG_SIGNATURE = "wrong signature"
_WOULD = "DryRunOperationException"


def _keys(visit: Visit) -> list[str]:
    """The hub's keys and the desk's, where that is another."""
    outputs = visit.hub.outputs
    told = [outputs.get("SigningKeyArn", ""), settings.GATEHOUSE_SIGNING_KEY, outputs.get("EmailKeyArn", "")]
    return [key for key in dict.fromkeys(told) if key]


@check(
    "signing_key",
    Severity.CRITICAL,
    title=_("Signing key"),
    why=_("Without the key no receipt can be signed or checked: every approved launch with a receipt gate fails."),
    remedy=_(
        "In KMS: cancel the deletion and enable the key. If it is gone for good, deploy the hub with another "
        "value of "
        "SigningKeys and give the worker the new SigningKeyArn."
    ),
)
def signing_key(visit: Visit) -> Iterator[Problem]:
    home = visit.round.home
    for key in _keys(visit):
        place = Place(home.account, aws.region_of(key) or home.region)
        try:
            told = place.read("kms", "describe_key", KeyId=key)["KeyMetadata"]
        except ClientError as error:
            if code_of(error) != "NotFoundException":
                raise
            yield problem(_("The key does not exist."), about=key)
            continue
        if told["KeyState"] != "Enabled":
            yield problem(_("The key's state is %(state)s."), about=key, state=told["KeyState"])
        elif (told["KeyUsage"], told.get("KeySpec")) != ("SIGN_VERIFY", "ECC_NIST_P256"):
            spec = told.get("KeySpec", "?")
            yield problem(
                _("The key cannot sign receipts: it is %(spec)s for %(use)s."),
                about=key,
                spec=spec,
                use=told["KeyUsage"],
            )


@check(
    "signing_key_accepted",
    Severity.CRITICAL,
    title=_("Keys that verify accepts"),
    why=_("Verify stops every stack whose receipt was signed with a key that it was not given."),
    remedy=_(
        "Set GATEHOUSE_SIGNING_KEY of the worker to the hub's output SigningKeyArn; in a spoke, deploy it with "
        "SigningKeyArns set to the hub's output AllowedKeys."
    ),
    everywhere=True,
)
def signing_key_accepted(visit: Visit) -> Iterator[Problem]:
    wanted = [key for key in (settings.GATEHOUSE_SIGNING_KEY or visit.hub.outputs.get("SigningKeyArn", ""),) if key]
    function = visit.here.read("lambda", "get_function_configuration", FunctionName="gatehouse-verify")
    allowed = function.get("Environment", {}).get("Variables", {}).get("ALLOWED_KEYS", "")
    for key in wanted:
        if key not in [one.strip() for one in allowed.split(",")]:
            seen = _("Verify accepts %(allowed)s, not the key the desk signs with.")
            yield problem(seen, about=key, allowed=allowed or "–")


@check(
    "verify_self_test",
    Severity.CRITICAL,
    title=_("Verify's self-test"),
    why=_("Verify was given a wrong signature and must say so; where it could not check, approved launches fail."),
    remedy=_(
        "Allow the role of gatehouse-verify kms:Verify on the key, in the key's policy too when the key is in "
        "another "
        "account; then deploy the stack again, which repeats this test."
    ),
    everywhere=True,
)
def verify_self_test(visit: Visit) -> Iterator[Problem]:
    answer = visit.here.self_test("gatehouse-verify")
    told = _payload(answer)
    if "FunctionError" in answer or not isinstance(told.get("keys"), dict):
        yield problem(
            _("The function failed when it was asked to test itself."),
            about=f"{visit.here} gatehouse-verify",
            remedy=_(
                "Deploy the stack from this version's template; older functions know no self-test. Then look at the "
                "function's log."
            ),
        )
        return
    if not told["keys"]:
        yield problem(_("The function was given no key at all."), about=f"{visit.here} gatehouse-verify")
    for key, result in told["keys"].items():
        if result != WRONG_SIGNATURE:
            yield problem(_("Asked about a wrong signature it said: %(result)s."), about=str(key), result=str(result))


def _payload(answer: Any) -> dict[str, Any]:
    with answer["Payload"] as stream:
        try:
            told = json.loads(stream.read(65536))
        except ValueError:
            return {}
    return told if isinstance(told, dict) else {}


@check(
    "desk_signs",
    Severity.CRITICAL,
    title=_("The desk's right to sign"),
    why=_("Decisions are signed when they are sent: without the right, nothing that is approved goes on."),
    remedy=_(
        "Give the worker's role kms:Sign on the key, set it as WorkerRoleArn of the hub stack, and set "
        "GATEHOUSE_SIGNING_KEY for the worker."
    ),
)
def desk_signs(visit: Visit) -> Iterator[Problem]:
    """A dry run: KMS checks every right and makes no signature. Web processes have neither key nor right."""
    key = settings.GATEHOUSE_SIGNING_KEY
    if not key:
        grave = Severity.CRITICAL if visit.round.by_worker else Severity.INFO
        seen = _(
            "This process has no GATEHOUSE_SIGNING_KEY. Only the worker needs it: run the doctor as the worker "
            "to test it."
        )
        yield problem(seen, severity=grave)
        return
    home = visit.round.home
    code = Place(home.account, aws.region_of(key) or home.region).would_sign(key)
    if code != _WOULD:
        yield problem(_("KMS refused a dry run of signing: %(code)s."), about=key, code=code)
