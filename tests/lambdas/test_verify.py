"""verify lets a stack pass with a receipt of the desk, and with nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from lambdas.shared import canonical
from lambdas.verify.index import BYPASS, der, handler
from tests.lambdas.cloud import STACK_ID, Buckets, Clock, Cloud, Context, error

KEY_ARN = "arn:aws:kms:eu-west-1:999988887777:key/0f0f0f0f-1111-4222-8333-444444444444"
OLD_KEY_ARN = KEY_ARN.replace("0f0f", "1e1e")
EMAIL_KEY_ARN = KEY_ARN.replace("0f0f", "2d2d")
FINGERPRINT = "c" * 64
Ask = Callable[..., dict[str, Any]]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Desk:
    """Signs receipts the way the desk does, and stands in for KMS."""

    def __init__(self) -> None:
        self.keys = {arn: ec.generate_private_key(ec.SECP256R1()) for arn in (KEY_ARN, OLD_KEY_ARN, EMAIL_KEY_ARN)}

    def receipt(
        self, kid: str = KEY_ARN, alg: str = "ES256", header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        statement = {
            "v": 1,
            "stack": STACK_ID,
            "fp": FINGERPRINT,
            "decision": "approved",
            "request": "GH-1042",
            "approvers": 1,
            "record": "d" * 64,
            "iat": 1_790_000_000,
        } | changes
        head = {"alg": alg, "kid": kid} | (header or {})
        signed = f"{b64(canonical(head))}.{b64(canonical(statement))}"
        key = self.keys.get(kid) or self.keys[KEY_ARN]
        r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def verify(self, params: dict[str, Any]) -> dict[str, Any]:
        assert (params["MessageType"], params["SigningAlgorithm"]) == ("RAW", "ECDSA_SHA_256")
        try:
            public = self.keys[params["KeyId"]].public_key()
            public.verify(params["Signature"], params["Message"], ec.ECDSA(SHA256()))
        except InvalidSignature:
            raise error("Verify", "KMSInvalidSignatureException") from None
        return {"KeyId": params["KeyId"], "SignatureValid": True}


@pytest.fixture
def desk(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    cloud.verify = desk.verify
    monkeypatch.setenv("ALLOWED_KEYS", f"{KEY_ARN},{OLD_KEY_ARN}")
    return desk


@pytest.fixture
def ask(event: Callable[..., dict[str, Any]]) -> Ask:
    """An event of Custom::ApprovalReceipt; `signals` are the wait condition's Data."""

    def make(
        type_: str = "Create", signals: Any = None, receipt: str = "", fingerprint: Any = FINGERPRINT, old: Any = None
    ) -> Any:
        data = signals if isinstance(signals, str) else json.dumps(signals or {})
        properties = {"ServiceToken": "x", "Data": data, "Fingerprint": fingerprint, "Receipt": receipt}
        return event(
            type_,
            LogicalResourceId="ApprovalReceiptV1",
            ResourceType="Custom::ApprovalReceipt",
            ResourceProperties=properties,
            OldResourceProperties=old,
            PhysicalResourceId=None if type_ == "Create" else "gatehouse-receipt-0123",
        )

    return make


def stopped(cloud: Cloud, buckets: Buckets) -> dict[str, Any]:
    """The alarm about the stack that was just stopped."""
    assert cloud.order[-2:] == ["answered", "published"]
    assert buckets.puts[-1].body["Status"] == "FAILED"
    assert cloud.kind() == "alarm"
    return cloud.envelope()


def test_a_receipt_of_the_desk_lets_the_stack_pass(cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask) -> None:
    receipt = desk.receipt()
    handler(ask(signals={"gh-1": receipt}), Context())
    answer = buckets.puts[0].body
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"] == {"Receipt": receipt}
    assert cloud.published == []


def test_one_good_receipt_among_other_signals_is_enough(buckets: Buckets, desk: Desk, ask: Ask) -> None:
    handler(ask(signals={"a": "hello", "b": desk.receipt(fp="0" * 64), "c": desk.receipt()}), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"


def test_a_receipt_for_a_parameter_update_comes_as_a_property(buckets: Buckets, desk: Desk, ask: Ask) -> None:
    handler(ask("Update", receipt=desk.receipt()), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"


def test_a_key_that_was_rotated_out_of_use_still_counts_while_it_is_allowed(
    buckets: Buckets, desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ask(signals={"a": desk.receipt(kid=OLD_KEY_ARN)})
    handler(made, Context())
    monkeypatch.setenv("ALLOWED_KEYS", KEY_ARN)
    handler(made, Context())
    assert [put.body["Status"] for put in buckets.puts] == ["SUCCESS", "FAILED"]


@pytest.mark.parametrize(
    ("allowed", "passing"),
    [
        ([KEY_ARN], [KEY_ARN]),
        ([KEY_ARN, OLD_KEY_ARN], [KEY_ARN, OLD_KEY_ARN]),
        ([KEY_ARN, OLD_KEY_ARN, EMAIL_KEY_ARN], [KEY_ARN, OLD_KEY_ARN, EMAIL_KEY_ARN]),
        ([KEY_ARN, EMAIL_KEY_ARN], [KEY_ARN, EMAIL_KEY_ARN]),
    ],
    ids=["one", "two while rotating", "two and mail", "mail"],
)
def test_every_allowed_key_counts_and_no_other(
    buckets: Buckets, desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch, allowed: list[str], passing: list[str]
) -> None:
    monkeypatch.setenv("ALLOWED_KEYS", ", ".join(allowed))
    for key in (KEY_ARN, OLD_KEY_ARN, EMAIL_KEY_ARN):
        handler(ask(signals={"a": desk.receipt(kid=key)}), Context())
        assert buckets.puts[-1].body["Status"] == ("SUCCESS" if key in passing else "FAILED")


def test_a_receipt_of_an_email_decision_is_one_like_any_other(
    buckets: Buckets, desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_KEYS", f"{KEY_ARN},{EMAIL_KEY_ARN}")
    receipt = desk.receipt(kid=EMAIL_KEY_ARN, via="email", request="")
    handler(ask(signals={"a": receipt}), Context())
    assert buckets.puts[0].body["Data"] == {"Receipt": receipt}


@pytest.mark.parametrize("kept_in", ["Data", "Receipt"])
def test_an_update_that_asked_nobody_keeps_the_receipt_there_was(
    buckets: Buckets, desk: Desk, ask: Ask, kept_in: str
) -> None:
    """notify answers such an update with the same fingerprint and without a receipt."""
    receipt = desk.receipt()
    old = {"Data": json.dumps({"gh-1": receipt})} if kept_in == "Data" else {"Receipt": receipt}
    handler(ask("Update", signals={"gh-0": desk.receipt(fp="e" * 64)}, old=old), Context())
    assert (buckets.puts[0].body["Status"], buckets.puts[0].body["Data"]) == ("SUCCESS", {"Receipt": receipt})


@pytest.mark.parametrize("old", [{}, {"Receipt": "old"}, {"Data": "{}"}, {"Data": 7}, {"Receipt": None}])
def test_old_properties_without_a_receipt_help_nobody(
    cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask, old: dict[str, Any]
) -> None:
    handler(ask("Update", old=old), Context())
    assert stopped(cloud, buckets)["code"] == "bypass"


def test_an_old_receipt_is_not_one_for_new_facts(cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask) -> None:
    old = {"Fingerprint": FINGERPRINT, "Receipt": desk.receipt()}
    handler(ask("Update", fingerprint="e" * 64, old=old), Context())
    assert stopped(cloud, buckets)["code"] == "bypass"


def test_the_same_receipt_in_four_places_is_checked_once(cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask) -> None:
    forged = ".".join([*desk.receipt().split(".")[:2], "A" * 86])
    old = {"Data": json.dumps({"a": forged}), "Receipt": forged}
    handler(ask("Update", signals={"a": forged, "b": forged}, receipt=forged, old=old), Context())
    assert stopped(cloud, buckets)["code"] == "bypass"
    assert cloud.calls.count("Verify") == 1


# Self-test


@pytest.fixture
def self_test(event: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The event of a deployment's own Custom::GatehouseSelfTest."""

    def make(type_: str = "Create") -> dict[str, Any]:
        return event(
            type_,
            LogicalResourceId="SelfTest",
            ResourceType="Custom::GatehouseSelfTest",
            ResourceProperties={"ServiceToken": "x", "Keys": KEY_ARN},
            PhysicalResourceId=None if type_ == "Create" else "gatehouse-receipt-0123",
        )

    return make


SelfTest = Callable[..., dict[str, Any]]


def test_invoked_by_hand_it_says_what_each_key_says(cloud: Cloud, buckets: Buckets, desk: Desk) -> None:
    assert handler({"self_test": True}, Context()) == {
        "keys": {KEY_ARN: "wrong signature", OLD_KEY_ARN: "wrong signature"}
    }
    assert set(cloud.calls) == {"Verify"}
    assert (buckets.puts, cloud.published) == ([], [])


def test_a_key_that_cannot_be_asked_is_named_with_the_reason(cloud: Cloud, desk: Desk) -> None:
    cloud.errors["Verify"] = [error("Verify", "DisabledException")]
    assert handler({"self_test": True}, Context()) == {
        "keys": {KEY_ARN: "could not check: DisabledException", OLD_KEY_ARN: "wrong signature"}
    }


def test_whoever_asks_by_hand_does_not_wait_for_rights_to_arrive(cloud: Cloud, desk: Desk, clock: Clock) -> None:
    """The doctor gives a function ten seconds, however many keys there are."""
    cloud.errors["Verify"] = [error("Verify", "AccessDeniedException") for _ in range(20)]
    began = clock.now
    said = handler({"self_test": True}, Context())
    assert said == {"keys": dict.fromkeys((KEY_ARN, OLD_KEY_ARN), "could not check: AccessDeniedException")}
    assert cloud.calls.count("Verify") == 2
    assert clock.now == began


def test_what_cannot_be_done_in_time_says_why(cloud: Cloud, buckets: Buckets, desk: Desk, self_test: SelfTest) -> None:
    cloud.errors["Verify"] = [error("Verify", "AccessDeniedException") for _ in range(20)]
    handler(self_test(), Context(16))
    assert "could not check: AccessDeniedException" in buckets.puts[0].body["Reason"]


@pytest.mark.parametrize("allowed", ["", "not a key", f"{KEY_ARN},"])
def test_a_list_that_is_none_is_no_success(
    cloud: Cloud, buckets: Buckets, desk: Desk, self_test: SelfTest, monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    monkeypatch.setenv("ALLOWED_KEYS", allowed)
    handler(self_test(), Context())
    assert buckets.puts[0].body["Status"] == "FAILED"


def test_a_key_that_takes_anything_is_no_success(
    cloud: Cloud, buckets: Buckets, desk: Desk, self_test: SelfTest
) -> None:
    cloud.verify = lambda _: {"SignatureValid": True}
    handler(self_test(), Context())
    assert buckets.puts[0].body["Status"] == "FAILED"


def test_a_deployment_whose_keys_all_answer_succeeds(
    cloud: Cloud, buckets: Buckets, desk: Desk, self_test: SelfTest
) -> None:
    handler(self_test(), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"
    assert cloud.published == []


@pytest.mark.parametrize("type_", ["Create", "Update"])
def test_a_deployment_whose_key_cannot_be_asked_fails_and_alarms_nobody(
    cloud: Cloud, buckets: Buckets, desk: Desk, self_test: SelfTest, type_: str
) -> None:
    cloud.errors["Verify"] = [error("Verify", "AccessDeniedException")] * 5
    handler(self_test(type_), Context())
    answer = buckets.puts[0].body
    assert answer["Status"] == "FAILED"
    assert f"{KEY_ARN} could not check: AccessDeniedException" in answer["Reason"]
    assert cloud.published == []


def test_a_failed_deployment_can_go_back_and_be_deleted(
    cloud: Cloud, buckets: Buckets, desk: Desk, self_test: SelfTest
) -> None:
    cloud.errors["Verify"] = [error("Verify", "DisabledException")] * 9
    cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    handler(self_test("Update"), Context())
    handler(self_test("Delete"), Context())
    assert [put.body["Status"] for put in buckets.puts] == ["SUCCESS", "SUCCESS"]


def test_a_self_test_lets_no_receipt_pass_and_a_receipt_asks_for_no_self_test(
    cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask
) -> None:
    handler(ask() | {"ResourceType": "Custom::Other"}, Context())
    assert stopped(cloud, buckets)["code"] == "bypass"


def test_the_keys_region_is_asked_not_the_functions(cloud: Cloud, desk: Desk, ask: Ask) -> None:
    from lambdas.shared import client

    handler(ask(signals={"a": desk.receipt()}), Context())
    assert client("kms", "eu-west-1").meta.region_name == "eu-west-1"
    assert client.cache_info().currsize == 2, "CloudFormation here, KMS there"


FORGERIES: dict[str, Callable[[Desk], Any]] = {
    "no signal": lambda _: {},
    "a bare signal": lambda _: {"Signal1": "approved"},
    "an empty signal": lambda _: {"Signal1": ""},
    "another stack": lambda desk: {"a": desk.receipt(stack=STACK_ID[:-1] + "9")},
    "other facts": lambda desk: {"a": desk.receipt(fp="e" * 64)},
    "a rejection": lambda desk: {"a": desk.receipt(decision="rejected")},
    "another version": lambda desk: {"a": desk.receipt(v=2)},
    "a key of somebody else": lambda desk: {"a": desk.receipt(kid=KEY_ARN.replace("9999", "1234"))},
    "no algorithm": lambda desk: {"a": desk.receipt(alg="none")},
    "a symmetric algorithm": lambda desk: {"a": desk.receipt(alg="HS256")},
    "a critical extension": lambda desk: {"a": desk.receipt(header={"crit": ["b64"], "b64": False})},
    "a signature of other words": lambda desk: {
        "a": ".".join([*desk.receipt().split(".")[:2], desk.receipt(request="GH-2").split(".")[2]])
    },
    "signed by another key": lambda desk: {"a": resigned(desk)},
    "a signature of zeros": lambda desk: {"a": ".".join([*desk.receipt().split(".")[:2], "A" * 86])},
    "half a receipt": lambda desk: {"a": desk.receipt()[:-10]},
    "padding": lambda desk: {"a": desk.receipt() + "=="},
    "nested": lambda desk: {"a": {"b": desk.receipt()}},
    "a list": lambda desk: [desk.receipt()],
    "no JSON": lambda desk: desk.receipt(),
}


def resigned(desk: Desk) -> str:
    theirs = Desk()
    return theirs.receipt()


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))
def test_a_wait_ended_without_a_receipt_stops_the_stack(
    cloud: Cloud,
    buckets: Buckets,
    desk: Desk,
    ask: Ask,
    valid: Callable[[Any], None],
    forgery: Callable[[Desk], Any],
) -> None:
    handler(ask(signals=forgery(desk)), Context())
    alarm = stopped(cloud, buckets)
    valid(alarm)
    assert (alarm["code"], alarm["fingerprint"], alarm["logical_id"]) == ("bypass", FINGERPRINT, "ApprovalReceiptV1")
    assert buckets.puts[0].body["Reason"] == alarm["reason"] == BYPASS


@pytest.mark.parametrize("fingerprint", [None, "", "a" * 63 + "g"])
def test_a_gate_without_a_fingerprint_never_opens(
    cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask, valid: Callable[[Any], None], fingerprint: str | None
) -> None:
    handler(ask(signals={"a": desk.receipt()}, fingerprint=fingerprint), Context())
    alarm = stopped(cloud, buckets)
    valid(alarm)
    assert (alarm["code"], alarm["fingerprint"]) == ("bypass", "")


@pytest.mark.parametrize(
    "trouble",
    [
        error("Verify", "AccessDeniedException"),
        error("Verify", "ThrottlingException"),
        error("Verify", "KMSInternalException", 500),
        error("Verify", "NotFoundException"),
        error("Verify", "DisabledException"),
        botocore.exceptions.ReadTimeoutError(endpoint_url="https://kms"),
        botocore.exceptions.NoCredentialsError(),
        RuntimeError("surprise"),
    ],
    ids=lambda trouble: str(trouble)[:50],
)
def test_what_cannot_be_checked_stops_the_stack_and_accuses_nobody(
    cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask, valid: Callable[[Any], None], trouble: Exception
) -> None:
    cloud.errors["Verify"] = [trouble] * 9
    handler(ask(signals={"a": desk.receipt()}), Context())
    alarm = stopped(cloud, buckets)
    valid(alarm)
    assert alarm["code"] == "could_not_check"
    assert "could not be checked" in alarm["reason"]
    assert "s3cret" not in alarm["reason"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "DependencyTimeoutException"])
def test_passing_trouble_is_waited_out(
    cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask, clock: Clock, code: str
) -> None:
    cloud.errors["Verify"] = [error("Verify", code)] * 3
    handler(ask(signals={"a": desk.receipt()}), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"
    assert clock.slept == [0.5, 1, 2]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_event_cloudformation_did_not_send_raises_no_alarm(
    cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask, status: int
) -> None:
    buckets.statuses = [status]
    handler(ask(), Context())
    assert cloud.published == []


def test_a_delete_always_succeeds_and_asks_nobody(cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask) -> None:
    handler(ask("Delete"), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"
    assert buckets.puts[0].body["PhysicalResourceId"] == "gatehouse-receipt-0123"
    assert (cloud.calls, cloud.published) == ([], [])


@pytest.mark.parametrize("type_", ["Create", "Update"])
def test_a_rollback_always_succeeds(cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask, type_: str) -> None:
    cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    handler(ask(type_), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"
    assert "Verify" not in cloud.calls


def test_a_rollback_keeps_the_receipt_it_had(cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask) -> None:
    cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    receipt = desk.receipt()
    handler(ask("Update", signals={"a": receipt}), Context())
    assert buckets.puts[0].body["Data"] == {"Receipt": receipt}


def test_a_good_receipt_needs_no_stack_status(cloud: Cloud, buckets: Buckets, desk: Desk, ask: Ask) -> None:
    cloud.errors["DescribeStacks"] = [error("DescribeStacks", "AccessDenied")] * 9
    handler(ask(signals={"a": desk.receipt()}), Context())
    assert buckets.puts[0].body["Status"] == "SUCCESS"


def test_the_same_event_again_gives_the_same_answer(buckets: Buckets, desk: Desk, ask: Ask) -> None:
    for _ in range(2):
        handler(ask(), Context())
    assert buckets.puts[0].body == buckets.puts[1].body


def test_the_answer_has_room_for_the_longest_receipt(buckets: Buckets, desk: Desk, ask: Ask) -> None:
    receipt = desk.receipt(request="GH-" + "9" * 600)
    handler(ask(signals={"a": receipt}), Context())
    assert buckets.puts[0].body["Data"]["Receipt"] == receipt
    assert int(buckets.puts[0].headers["content-length"]) <= 4096


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_a_bare_signature_becomes_the_one_kms_speaks(r: int, s: int) -> None:
    assert der(r.to_bytes(32, "big") + s.to_bytes(32, "big")) == utils.encode_dss_signature(r, s)
