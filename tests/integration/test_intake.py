"""Both doors: what is taken, what is kept in quarantine, what is turned away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet
from django.db import OperationalError, connection
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from approvals import actions
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, HoldStatus, Outcome, State
from approvals.errors import Refused, Why
from approvals.intake import certificates, consumer, doors, identity, messages, quarantine
from approvals.intake.envelope import parse
from approvals.models import Alarm, AuditEvent, Hold, LaunchRequest, Notice, Quarantined, Refusal
from portal.accounts.models import Principal, User
from portal.clock import now
from tests.support import envelopes
from tests.support.cast import Cast
from tests.support.sns import CERT_URL, Topic

NOW = now().replace(microsecond=0)
URL = "/intake/sns/"


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Topic]:
    settings.GATEHOUSE_ACCOUNTS = [envelopes.ACCOUNT]
    topic = Topic()
    certificates.forget()
    monkeypatch.setattr(certificates, "_fetch", topic.fetch)
    yield topic
    certificates.forget()


@pytest.fixture
def post(topic: Topic, client: Client) -> Callable[..., int]:
    def send(body: str | bytes, **headers: Any) -> int:
        return client.post(URL, data=body, content_type="text/plain", **headers).status_code

    return send


def take(envelope: dict[str, Any] | str, topic_arn: str = envelopes.TOPIC) -> str:
    raw = envelope if isinstance(envelope, str) else json.dumps(envelope)
    return doors.take(raw, topic_arn=topic_arn, door=doors.QUEUE, now=NOW)


def refusals() -> dict[str, int]:
    return dict(Refusal.objects.values_list("reason", "times"))


# One function behind both doors.


@pytest.mark.django_db
def test_a_launch_becomes_one_request_however_often_it_is_announced() -> None:
    opened = envelopes.launch(NOW)
    for _ in range(10):
        assert take(opened) == "done"
    request = LaunchRequest.objects.get()
    assert (request.state, request.outcome, request.stack_id) == (State.PENDING, Outcome.WAITING, opened["stack_id"])
    assert Hold.objects.get().status == HoldStatus.OPEN
    assert Notice.objects.count() == 1
    assert request.stack_facts["announced_at"]


@pytest.mark.django_db
def test_other_facts_for_the_same_wait_never_replace_the_first() -> None:
    opened = envelopes.launch(NOW)
    other = envelopes.sealed(opened | {"parameters": [envelopes.parameter("InstanceType", "m5.24xlarge")]})
    assert [take(opened), take(other)] == ["done", "done"]
    assert LaunchRequest.objects.get().parameters[0]["value"] == "t3.micro"
    assert Alarm.objects.get().code == AlarmCode.FACTS_CHANGED


@pytest.mark.django_db
def test_one_wait_never_has_two_requests_whatever_resource_announces_it(cast: Cast) -> None:
    """Else whoever may announce a wait again under a name of his own could release what was rejected."""
    opened = envelopes.launch(NOW)
    url = opened["hold"]["url"]
    assert take(opened) == "done"
    for gate, again in (("Bucket", url), ("Queue", url.replace("%3A", "%3a")), ("Topic", url + "&x=1")):
        requester = {"principal_arn": "", "email": "mallory@evil.example"}
        second = envelopes.launch(NOW, stack_id=opened["stack_id"], url=again, logical_id=gate, requester=requester)
        assert take(second) == "done"
    assert LaunchRequest.objects.get().gate == "ApprovalRequest"
    assert Hold.objects.count() == 1
    assert {alarm.code for alarm in Alarm.objects.all()} == {AlarmCode.FACTS_CHANGED}
    assert not User.objects.filter(email="mallory@evil.example").exists()


@pytest.mark.django_db
def test_a_delete_of_a_foreign_stack_that_comes_first_does_not_shut_the_launch_out() -> None:
    opened = envelopes.launch(NOW)
    foreign = envelopes.deleted(opened, "DELETE_IN_PROGRESS", NOW) | {"stack_id": envelopes.new_stack_id()}
    assert [take(foreign), take(opened)] == ["done", "done"]
    request = LaunchRequest.objects.get(stack_id=opened["stack_id"])
    assert (request.state, request.holds.get().status) == (State.PENDING, HoldStatus.OPEN)
    assert take(envelopes.deleted(opened, "DELETE_IN_PROGRESS", NOW)) == "done"
    assert LaunchRequest.objects.get(stack_id=opened["stack_id"]).state == State.WITHDRAWN


@pytest.mark.django_db
def test_two_deletes_with_one_fingerprint_tell_nothing_about_each_other() -> None:
    opened = envelopes.launch(NOW)
    foreign = envelopes.deleted(opened, "DELETE_IN_PROGRESS", NOW) | {"stack_id": envelopes.new_stack_id()}
    assert [take(foreign), take(envelopes.deleted(opened, "DELETE_IN_PROGRESS", NOW))] == ["done", "done"]
    assert take(opened) == "done"
    assert LaunchRequest.objects.get(stack_id=opened["stack_id"]).state == State.WITHDRAWN


@pytest.mark.django_db
def test_a_foreign_wait_url_opens_a_request_that_cannot_be_decided() -> None:
    assert take(envelopes.launch(NOW, url="http://169.254.169.254/latest/")) == "done"
    hold = Hold.objects.get()
    assert (hold.status, hold.url_encrypted) == (HoldStatus.UNUSABLE, None)
    assert hold.unusable_reason == "The URL is not an https URL."
    assert Alarm.objects.get().code == AlarmCode.UNUSABLE_HOLD


@pytest.mark.django_db
def test_a_delete_that_comes_first_leaves_a_closed_request_that_the_create_completes() -> None:
    opened = envelopes.launch(NOW)
    assert take(envelopes.deleted(opened, "DELETE_IN_PROGRESS", NOW)) == "done"
    assert (LaunchRequest.objects.get().state, LaunchRequest.objects.get().is_complete) == (State.WITHDRAWN, False)
    assert take(opened) == "done"
    request = LaunchRequest.objects.get()
    assert (request.state, request.is_complete, request.product_id) == (State.WITHDRAWN, True, "prod-wordpress")
    assert not Hold.objects.filter(status=HoldStatus.OPEN).exists()


@pytest.mark.django_db
def test_a_delete_of_another_fingerprint_closes_nothing() -> None:
    opened = envelopes.launch(NOW)
    take(opened)
    other = envelopes.launch(NOW, stack_id=opened["stack_id"], logical_id="OldRequest")
    take(envelopes.deleted(other, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", NOW))
    assert LaunchRequest.objects.get(fingerprint=opened["fingerprint"]).state == State.PENDING


@pytest.mark.django_db
def test_a_delete_that_carries_the_fingerprint_of_another_stack_has_no_effect() -> None:
    opened, other = envelopes.launch(NOW), envelopes.launch(NOW)
    take(opened)
    forged = envelopes.deleted(other, "DELETE_IN_PROGRESS", NOW)
    forged |= {name: opened[name] for name in ("fingerprint", "physical_id")}
    assert take(forged) == "quarantined"
    assert LaunchRequest.objects.get().state == State.PENDING


@pytest.mark.django_db
def test_nothing_that_was_stored_shows_the_wait_url() -> None:
    take(envelopes.launch(NOW))
    take(envelopes.launch(NOW) | {"fingerprint": "0" * 64})
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608
            assert not any(envelopes.CANARY in row for (row,) in cursor.fetchall()), table


@pytest.mark.django_db
def test_what_is_not_understood_is_kept_encrypted_once_and_counted() -> None:
    bad = envelopes.launch(NOW) | {"fingerprint": "0" * 64}
    for _ in range(3):
        assert take(bad) == "quarantined"
    row = Quarantined.objects.get()
    assert (row.times, row.door, row.topic_arn) == (3, "queue", envelopes.TOPIC)
    assert row.reason == "Its fingerprint does not follow from its facts."
    assert row.body_encrypted is not None
    assert envelopes.CANARY.encode() not in bytes(row.body_encrypted)


@pytest.mark.django_db
def test_a_topic_of_another_account_is_kept_and_never_opened() -> None:
    assert take(envelopes.launch(NOW), envelopes.TOPIC.replace(envelopes.ACCOUNT, "444455556666")) == "quarantined"
    assert not LaunchRequest.objects.exists()


@pytest.mark.django_db
def test_a_fault_of_ours_quarantines_the_message_and_says_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError(envelopes.CANARY)

    monkeypatch.setattr(actions, "open_request", fault)
    assert take(envelopes.launch(NOW)) == "quarantined"
    assert Quarantined.objects.get().reason == "Gatehouse failed over it: ZeroDivisionError."
    assert envelopes.CANARY not in caplog.text


NASTY = [
    "\x00",
    "\ud800",
    "\u202e",
    "<script>alert(1)</script>",
    "'; DROP TABLE approvals_launchrequest; --",
    "=cmd|'/c calc'!A1",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "\x1b[31m",
    "\r\nBcc: x@example.com",
    "%s%n",
    "\ufeff",
    "a" * 9000,
    "😀" * 900,
    "../../etc/passwd",
    "",
]


@pytest.mark.django_db
@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_hostile_text_in_every_field_is_stored_or_kept(text: str) -> None:
    product = dict.fromkeys(
        ("product_id", "product_arn", "portfolio_arn", "provisioned_product_arn", "artifact_id"), text
    )
    opened = envelopes.launch(
        NOW,
        product=product,
        requester={"principal_arn": text, "email": text[:300]},
        parameters=[envelopes.parameter(text, text)],
    )
    opened["stack"]["tags"] = {text: text}
    opened["template"] |= {"description": text, "resources": [{"id": text, "type": text}]}
    assert take(envelopes.sealed(opened)) == "done"
    LaunchRequest.objects.get().refresh_from_db()


# The quarantine, for administrators.


@pytest.fixture
def kept(cast: Cast) -> Quarantined:
    take(envelopes.launch(NOW) | {"fingerprint": "0" * 64})
    return Quarantined.objects.get()


def test_an_administrator_sees_the_body_with_its_urls_masked(kept: Quarantined) -> None:
    shown = quarantine.masked(kept)
    assert "SC-111122223333-pp" in shown
    assert "https://cloudformation-waitcondition" in shown
    assert envelopes.CANARY not in shown
    assert "X-Amz" not in shown


URL_FORMS = [
    "{url}",
    '{{"a": "{url}"}}',
    '{{"a": "{url}',
    "broken {url}\nX-Amz-Signature={canary}",
    "{quoted}",
    "{twice}",
    "{escaped}",
    "{unicoded}",
    "x-amz-security-token: {canary}",
    '"Signature":"{canary}"',
    '\\"Signature\\": \\"{canary}\\"',
    "AWSAccessKeyId={canary}&Expires=1",
    "host/path?{canary}",
    "PUT /x?X-Amz-Signature\n={canary}",
    "{canary}{canary}",
    "[{url}](x)",
    "<{url}>",
]


@pytest.mark.parametrize("form", URL_FORMS)
def test_no_form_of_a_url_shows_its_secret(form: str) -> None:
    url = envelopes.wait_url(envelopes.new_stack_id(), now=NOW)
    text = form.format(
        url=url,
        canary=envelopes.CANARY,
        quoted=quote(url, safe=""),
        twice=quote(quote(url, safe=""), safe=""),
        escaped=json.dumps(json.dumps(url)).replace("/", "\\/"),
        unicoded="".join(f"\\u{ord(c):04x}" for c in url),
    )
    assert envelopes.CANARY not in quarantine.mask(text)


def test_masking_is_quick_on_large_bodies() -> None:
    began = time.process_time()
    for text in (
        "?" * 280_000,
        "https://" * 35_000,
        "\\u0041" * 46_000,
        "Signature=" * 28_000,
        "a" * 280_000,
        '\\"' * 140_000,
        "\\" * 280_000,
        "\\" * 79_999 + "x",
        ("\\" * 9_000 + "u00") * 30,
        "Signature" + "\\" * 270_000,
        "%" + "25" * 140_000,
        "cloudformation-" * 18_000,
    ):
        quarantine.mask(text)
    assert time.process_time() - began < 2


def test_a_key_that_is_cut_in_the_middle_is_not_shown() -> None:
    filler = ("x" * 50 + " ") * 2000
    for shift in range(60):
        body = filler[: 80_000 - shift] + " " + envelopes.CANARY * 3
        assert envelopes.CANARY[:8] not in quarantine.mask(body)


@pytest.mark.parametrize("depth", [1, 7, 31, 200])
def test_a_query_is_masked_however_deeply_it_is_escaped(depth: int) -> None:
    assert envelopes.CANARY not in quarantine.mask("https://x/y" + "\\" * depth + f"u003fz={envelopes.CANARY}")


def test_an_escape_of_an_escape_of_an_escape_is_not_followed_for_ever() -> None:
    assert quarantine.mask("\\u005c" + "u005c" * 10_000) == "[…]"


def test_a_retry_that_succeeds_resolves_and_wipes(
    kept: Quarantined, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = Actor(cast.administrator, Channel.DESK)
    assert quarantine.retry(kept.pk, actor=actor, now=NOW) is False
    kept.refresh_from_db()
    assert kept.resolved_at is None
    monkeypatch.setattr(messages, "deliver", lambda *_, **__: "")
    assert quarantine.retry(kept.pk, actor=actor, now=NOW) is True
    kept.refresh_from_db()
    assert (kept.resolution, kept.body_encrypted) == ("retried", None)
    assert quarantine.masked(kept) == ""
    assert AuditEvent.objects.filter(code="quarantine_retried", actor=cast.administrator).count() == 1
    with pytest.raises(Refused):
        quarantine.retry(kept.pk, actor=actor, now=NOW)


def test_a_retry_that_trips_over_a_fault_of_ours_says_so(
    kept: Quarantined, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(messages, "parse", fault)
    assert quarantine.retry(kept.pk, actor=Actor(cast.administrator, Channel.DESK), now=NOW) is False
    kept.refresh_from_db()
    assert kept.reason == "Gatehouse failed over it: ZeroDivisionError."


def test_a_body_whose_key_is_gone_is_shown_as_nothing(kept: Quarantined, settings: Any) -> None:
    settings.GATEHOUSE_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert quarantine.masked(kept) == ""


def test_a_dismissed_message_is_wiped(kept: Quarantined, cast: Cast) -> None:
    quarantine.dismiss(kept.pk, actor=Actor(cast.administrator, Channel.DESK), now=NOW)
    kept.refresh_from_db()
    assert (kept.resolution, kept.body_encrypted) == ("dismissed", None)


@pytest.mark.parametrize("part", ["approver", "requester", "auditor", "outsider"])
def test_only_an_administrator_resolves(kept: Quarantined, cast: Cast, part: str) -> None:
    for verb in (quarantine.retry, quarantine.dismiss):
        with pytest.raises(Refused) as refused:
            verb(kept.pk, actor=Actor(getattr(cast, part), Channel.DESK), now=NOW)
        assert refused.value.why == Why.NOT_ALLOWED


def test_bodies_are_wiped_after_fourteen_days(kept: Quarantined) -> None:
    assert quarantine.wipe(NOW + timedelta(days=13, hours=23)) == 0
    assert quarantine.wipe(NOW + timedelta(days=14, seconds=1)) == 1
    kept.refresh_from_db()
    assert (kept.body_encrypted, kept.resolution) == (None, "aged")


# Who launched.


def person_of(**changes: Any) -> tuple[User | None, bool]:
    facts = parse(json.dumps(envelopes.launch(NOW, **changes)), topic_arn=envelopes.TOPIC, now=NOW)
    return identity.identify(facts, NOW)  # type: ignore[arg-type]


def requester(arn: str = "", email: str = "") -> dict[str, str]:
    return {"principal_arn": arn, "email": email}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arn", "email", "person", "verified"),
    [
        (f"{envelopes.SSO}/Rita@Example.com", "other@example.com", "rita@example.com", True),
        (f"{envelopes.SSO}/rita", "typed@example.com", "typed@example.com", False),
        (
            "arn:aws:sts::111122223333:assumed-role/Developers/rita@example.com",
            "typed@example.com",
            "typed@example.com",
            False,
        ),
        ("arn:aws:sts::111122223333:assumed-role/Trusted/rita@example.com", "", "rita@example.com", True),
        ("arn:aws:sts::111122223333:assumed-role/ByArn/rita@example.com", "", "rita@example.com", True),
        ("arn:aws:sts::444455556666:assumed-role/Trusted/rita@example.com", "", None, False),
        (f"{envelopes.SSO.replace('111122223333', '444455556666')}/rita@example.com", "", None, False),
        ("arn:aws:sts::111122223333:assumed-role/xAWSReservedSSO_Developer/rita@example.com", "", None, False),
        ("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer/rita@example.com", "", None, False),
        ("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO__0123456789abcdef/rita@example.com", "", None, False),
        (f"{envelopes.SSO}0/rita@example.com", "", None, False),
        (f"{envelopes.SSO.upper()}/rita@example.com", "", None, False),
        ("arn:aws:iam::111122223333:user/rita@example.com", "", None, False),
        ("", "typed@example.com", "typed@example.com", False),
        ("", "not an address", None, False),
        ("", "a@b\r\nBcc: c@example.com", None, False),
        (f"{envelopes.SSO}/rita@example.com/mallory@example.com", "", None, False),
    ],
)
def test_who_launched(settings: Any, arn: str, email: str, person: str | None, verified: bool) -> None:
    settings.GATEHOUSE_TRUSTED_ROLES = ["Trusted", "arn:aws:iam::111122223333:role/path/ByArn"]
    found, sure = person_of(requester=requester(arn, email))
    assert (found.email if found else None, sure) == (person, verified)
    assert found is None or not found.has_usable_password()
    assert Principal.objects.count() == bool(arn)


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["mar\u212a@example.com", "m\uff41rk@example.com", "mark@example.com\u200b"])
def test_an_address_that_only_looks_like_somebody_s_names_nobody(word: str) -> None:
    User.objects.create_user("mark@example.com")
    for said in (requester(f"{envelopes.SSO}/{word}"), requester("", word)):
        assert person_of(requester=said) == (None, False)
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_known_person_is_found_and_not_made_again() -> None:
    rita = User.objects.create_user("rita@example.com", name="Rita")
    for _ in range(2):
        assert person_of()[0] == rita
    assert User.objects.count() == 1
    assert rita.principals.get().arn.endswith("/rita@example.com")


@pytest.mark.django_db
def test_a_principal_counts_in_its_own_account_only() -> None:
    """The tag is written by whoever administers the account: it proves nothing about another one."""
    assert take(envelopes.launch(NOW)) == "done"
    other = "999988887777"
    stack_id = envelopes.new_stack_id().replace(envelopes.ACCOUNT, other)
    forged = envelopes.launch(NOW, stack_id=stack_id, requester=requester(f"{envelopes.SSO}/rita@example.com", ""))
    assert take(forged, envelopes.TOPIC.replace(envelopes.ACCOUNT, other)) == "done"
    request = LaunchRequest.objects.get(account=other)
    assert (request.requester, request.requester_verified) == (None, False)


@pytest.mark.django_db
def test_a_role_that_is_no_longer_trusted_vouches_for_nobody(settings: Any) -> None:
    said = requester("arn:aws:sts::111122223333:assumed-role/Trusted/rita@example.com")
    settings.GATEHOUSE_TRUSTED_ROLES = ["Trusted"]
    rita, sure = person_of(requester=said)
    assert rita is not None
    assert sure
    settings.GATEHOUSE_TRUSTED_ROLES = []
    assert person_of(requester=said) == (None, False)
    settings.GATEHOUSE_TRUSTED_ROLES = ["Trusted"]
    assert person_of(requester=said) == (rita, True)


@pytest.mark.django_db
def test_nobody_is_known_to_have_updated() -> None:
    assert person_of(status="UPDATE_IN_PROGRESS") == (None, False)


# What the page says of it.


def test_an_updates_page_does_not_name_the_first_version_as_the_one_to_come(
    cast: Cast, client_for: Callable[[Any], Client]
) -> None:
    """Service Catalog never changes the tag (aws-facts §3.1)."""
    assert take(envelopes.launch(NOW)) == "done"
    assert take(envelopes.launch(NOW, status="UPDATE_IN_PROGRESS")) == "done"
    launched, updated = LaunchRequest.objects.order_by("pk")
    assert updated.version_id == "pa-1"
    said = "AWS does not say which version this update brings."
    desk = client_for(cast.approver)
    page = desk.get(updated.get_absolute_url()).content.decode()
    assert page.index("<dt>Version</dt>") < page.index(said) < page.index("Launched first as:") < page.index("pa-1")
    assert said not in desk.get(launched.get_absolute_url()).content.decode()


def test_the_page_promises_nothing_about_later_changes_of_parameters(
    cast: Cast, client_for: Callable[[Any], Client]
) -> None:
    assert take(envelopes.launch(NOW)) == "done"
    page = client_for(cast.approver).get(LaunchRequest.objects.get().get_absolute_url()).content.decode()
    assert "Later changes of parameters alone are not held." in page


# The HTTPS door.


@pytest.mark.django_db
def test_a_signed_launch_is_taken(post: Callable[..., int], topic: Topic) -> None:
    opened = envelopes.launch(NOW)
    body = topic.raw(json.dumps(opened), now())
    assert [post(body) for _ in range(3)] == [200, 200, 200]
    assert LaunchRequest.objects.get().stack_id == opened["stack_id"]
    assert refusals() == {}


@pytest.mark.django_db
def test_the_door_is_closed_without_known_accounts(post: Callable[..., int], topic: Topic, settings: Any) -> None:
    settings.GATEHOUSE_ACCOUNTS = []
    assert post(topic.raw("{}", now())) == 403
    assert refusals() == {"door closed": 1}


@pytest.mark.django_db
def test_forged_and_stale_messages_are_refused_and_counted(post: Callable[..., int], topic: Topic) -> None:
    good = topic.notification(json.dumps(envelopes.launch(NOW)), now())
    assert post(json.dumps(good | {"Message": "{}"})) == 403
    assert post(json.dumps(good | {"SignatureVersion": "1"})) == 403
    assert post(json.dumps(good | {"SigningCertURL": "https://evil.example/x.pem"})) == 403
    assert post(topic.raw("{}", now() - timedelta(minutes=61))) == 403
    assert post(topic.raw("{}", now() + timedelta(minutes=6))) == 403
    assert post(topic.raw("{}", now(), TopicArn=envelopes.TOPIC.replace(envelopes.ACCOUNT, "444455556666"))) == 403
    assert post(topic.raw("{}", now(), TopicArn=envelopes.TOPIC.replace("launches", "other"))) == 403
    assert refusals() == {"signature": 1, "signature version": 1, "certificate host": 1, "stale": 2, "topic": 2}
    assert not LaunchRequest.objects.exists()
    assert not Quarantined.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_only_post_is_answered(topic: Topic, client: Client, method: str) -> None:
    assert getattr(client, method)(URL).status_code == 405


HOSTILE: list[bytes] = [
    b"",
    b"x",
    b"[]",
    b"{}",
    b"null",
    b"\x00",
    b"\xff\xfe",
    b'{"Type": NaN}',
    b'{"Type": "Notification"}',
    b'{"Type": "\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 40_000,
    b"{" + b'"a":1,' * 10_000 + b'"b":1}',
    b'{"Type": 1e400}',
    b'{"Type": ' + b"9" * 9999 + b"}",
    b'{"Type": "Notification", "Type": "Notification"}',
    b"\x1f\x8b\x08\x00" + b"\x00" * 100,
    b"--x\r\nContent-Disposition: form-data\r\n\r\n",
]


@pytest.mark.django_db
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies_are_400(post: Callable[..., int], body: bytes) -> None:
    assert post(body) == 400
    assert refusals() == {"malformed": 1}


@pytest.mark.django_db
@pytest.mark.parametrize("size", [288 * 1024 + 1, 300 * 1024, 1024 * 1024])
def test_too_large_bodies_are_413(post: Callable[..., int], size: int) -> None:
    assert post(b"x" * size) == 413
    assert post(b"x" * size, CONTENT_LENGTH="") in (400, 413)
    assert post(b"x" * size, HTTP_CONTENT_ENCODING="gzip") == 413


@pytest.mark.django_db
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(max_size=200))
def test_any_signed_message_is_kept_or_taken_never_an_error(
    post: Callable[..., int], topic: Topic, message: str
) -> None:
    assert post(topic.raw(message, now())) == 200


@pytest.mark.django_db
def test_authentic_but_not_understood_is_kept_and_answered(post: Callable[..., int], topic: Topic) -> None:
    assert post(topic.raw('{"version": 2}', now())) == 200
    assert Quarantined.objects.get().door == "https"


@pytest.mark.django_db
def test_a_certificate_that_cannot_be_had_asks_for_another_try(post: Callable[..., int], topic: Topic) -> None:
    topic.served[CERT_URL] = certificates.Unavailable("HTTP 503")
    assert post(topic.raw("{}", now())) == 503
    assert refusals() == {}


@pytest.mark.django_db
def test_a_database_that_is_down_asks_for_another_try(
    topic: Topic, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(actions, "open_request", down)
    answer = client.post(URL, topic.raw(json.dumps(envelopes.launch(NOW)), now()), content_type="text/plain")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert not Quarantined.objects.exists()


def confirmation(topic: Topic, url: str) -> str:
    at = now()
    return json.dumps(
        topic.sign(
            {
                "Type": "SubscriptionConfirmation",
                "MessageId": "m",
                "TopicArn": topic.arn,
                "Message": "You have chosen to subscribe",
                "Timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
                "Token": "token",
                "SubscribeURL": url,
            }
        )
    )


CONFIRM = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={envelopes.TOPIC}&Token=t"


class Sns:
    """Where subscriptions are confirmed: remembers what was called and answers `status`."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.status = 200

    def request(self, _method: str, url: str, **options: Any) -> Any:
        assert options["redirect"] is False
        self.called.append(url)
        return type("Answer", (), {"status": self.status})()


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Sns:
    fake = Sns()
    monkeypatch.setattr(doors, "_pool", fake)
    return fake


@pytest.mark.django_db
def test_a_subscription_is_confirmed_at_sns_only(post: Callable[..., int], topic: Topic, amazon: Sns) -> None:
    assert post(confirmation(topic, CONFIRM)) == 200
    assert amazon.called == [CONFIRM]
    assert post(confirmation(topic, CONFIRM.replace("amazonaws.com", "amazonaws.com.evil.example"))) == 403
    assert post(confirmation(topic, "http://169.254.169.254/?Action=ConfirmSubscription")) == 403
    assert amazon.called == [CONFIRM]
    amazon.status = 500
    assert post(confirmation(topic, CONFIRM)) == 503


@pytest.mark.django_db
def test_a_listed_account_joins_by_subscribing_its_topic_to_the_queue(topic: Topic, amazon: Sns) -> None:
    assert consumer.take(confirmation(topic, CONFIRM)) == "done"
    assert amazon.called == [CONFIRM]
    amazon.status = 503
    assert consumer.take(confirmation(topic, CONFIRM)) == "left", "SNS confirms at another try"
    assert not Alarm.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("listed", [[], ["444455556666"]])
def test_an_account_nobody_wrote_down_does_not_join_and_an_administrator_hears_of_it(
    topic: Topic, amazon: Sns, settings: Any, listed: list[str], cast: Cast, client_for: Callable[[Any], Client]
) -> None:
    settings.GATEHOUSE_ACCOUNTS = listed
    for _ in range(3):
        assert consumer.take(confirmation(topic, CONFIRM)) == "refused"
    assert amazon.called == []
    assert refusals() == {"subscription": 3}
    alarm = Alarm.objects.get()
    assert (alarm.code, alarm.stack_id, alarm.times) == (AlarmCode.UNKNOWN_TOPIC, topic.arn, 3)
    page = client_for(cast.administrator).get("/operations/").content.decode()
    assert topic.arn in page
    assert f"in account {envelopes.ACCOUNT}" in page


@pytest.mark.django_db
def test_a_forged_confirmation_in_the_queue_is_neither_called_nor_an_alarm(topic: Topic, amazon: Sns) -> None:
    forged = json.loads(confirmation(topic, CONFIRM))
    for change in ({"SubscribeURL": CONFIRM + "x"}, {"Token": "x"}, {"TopicArn": topic.arn.replace("1111", "2222")}):
        assert consumer.take(json.dumps(forged | change)) == "refused"
    elsewhere = CONFIRM.replace("us-east-1.amazonaws.com", "us-east-1.amazonaws.com.evil.example")
    assert consumer.take(confirmation(topic, elsewhere)) == "refused"
    assert refusals() == {"signature": 3, "subscribe host": 1}
    assert amazon.called == []
    assert not Alarm.objects.exists()


@pytest.mark.django_db
def test_messages_of_accounts_that_are_not_listed_are_refused_at_the_queue(topic: Topic, settings: Any) -> None:
    settings.GATEHOUSE_ACCOUNTS = ["444455556666"]
    for body in (topic.raw(json.dumps(envelopes.launch(NOW)), NOW), goodbye(topic)):
        assert consumer.take(body) == "refused"
    assert refusals() == {"topic": 2}
    settings.GATEHOUSE_ACCOUNTS = []
    assert consumer.take(topic.raw(json.dumps(envelopes.launch(NOW)), NOW)) == "done", "no list lets all speak"


def goodbye(topic: Topic) -> str:
    fields = json.loads(confirmation(topic, CONFIRM)) | {"Type": "UnsubscribeConfirmation"}
    return json.dumps(topic.sign(fields))


@pytest.mark.django_db
def test_the_end_of_a_subscription_is_no_secret(
    post: Callable[..., int], topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(goodbye(topic)) == 200
    assert consumer.take(goodbye(topic)) == "refused"
    assert set(Refusal.objects.values_list("door", "reason")) == {("https", "unsubscribed"), ("queue", "unsubscribed")}
    said = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.__dict__["topic"] for record in said] == [topic.arn, topic.arn]


@pytest.mark.django_db
def test_a_stale_message_makes_us_fetch_nothing(post: Callable[..., int], topic: Topic) -> None:
    assert post(topic.raw("{}", now() - timedelta(minutes=61))) == 403
    assert topic.fetched == []


@pytest.mark.django_db
def test_a_body_that_never_ends_costs_nothing(post: Callable[..., int]) -> None:
    began = time.process_time()
    assert post('"' + '\\"' * 147_000) == 400
    assert time.process_time() - began < 0.5


# The queue's door, without a queue.


@pytest.mark.django_db
def test_the_queue_takes_old_messages_but_no_forged_ones(topic: Topic) -> None:
    old = topic.notification(json.dumps(envelopes.launch(NOW)), NOW - timedelta(days=13))
    assert consumer.take(json.dumps(old)) == "done"
    assert consumer.take(json.dumps(old | {"Message": "{}"})) == "refused"
    assert refusals() == {"signature": 1}


@pytest.mark.django_db
def test_the_queue_keeps_what_is_no_sns_message_and_leaves_what_may_be_taken_later(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert consumer.take(json.dumps(envelopes.launch(NOW))) == "quarantined", "raw message delivery"
    body = topic.raw(json.dumps(envelopes.launch(NOW)), NOW)
    topic.served[CERT_URL] = certificates.Unavailable("HTTP 503")
    assert consumer.take(body) == "left"
    certificates.forget()
    topic.served |= Topic().served

    def down(*_: object, **__: object) -> None:
        raise OperationalError("the connection is closed")

    with monkeypatch.context() as broken:
        broken.setattr(actions, "open_request", down)
        assert consumer.take(body) == "left"
    assert consumer.take(body) == "done"


def test_the_same_launch_a_thousand_times_by_sixteen_clients_is_one_request(cloned_db: str, topic: Topic) -> None:
    """Drill F9: 1, 10 and 1,000 times."""

    def answers(body: str, times: int) -> set[int]:
        try:
            client = Client()
            return {client.post(URL, body, content_type="text/plain").status_code for _ in range(times)}
        finally:
            connection.close()

    for clients, each in ((1, 1), (10, 1), (16, 63)):
        opened = envelopes.launch(NOW)
        body = topic.raw(json.dumps(opened), now())
        with ThreadPoolExecutor(clients) as pool:
            found = [pool.submit(answers, body, each) for _ in range(clients)]
        assert {status for future in found for status in future.result()} == {200}
        request = LaunchRequest.objects.get(stack_id=opened["stack_id"])
        assert request.notices.count() == request.holds.count() == 1
