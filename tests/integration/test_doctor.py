"""The doctor at the bed of a real hub: healthy, with faults made in the sandbox, without rights, and read-only."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError
from django.core.management import call_command
from django.core.management.base import CommandError

from approvals import actions
from approvals.actor import Actor
from approvals.choices import AlarmCode, Channel, DeliveryStatus
from approvals.doctor import registry, running
from approvals.doctor.checks import queues
from approvals.doctor.findings import Finding, Severity
from approvals.models import Delivery, LaunchRequest, Signal
from portal import clock
from portal.accounts.models import User
from portal.clock import now
from tests.support import allow
from tests.support.cast import Cast
from tests.support.hospital import ROOT, Hospital
from tests.support.launches import open_launch

SAMPLE = (ROOT / "lambdas" / "samples" / "data-sandbox.yaml").read_text()
UNGATED = (ROOT / "lambdas" / "samples" / "bucket.yaml").read_text()
WAITS = json.dumps(
    {
        "Resources": {
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Wait": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "300"},
            },
        }
    }
)


@pytest.fixture(scope="module")
def deployed(sandbox: str) -> Iterator[Hospital]:
    """Clients live as long as the module: making them is what takes time."""
    with Hospital(sandbox).open().acting() as hospital:
        yield hospital


@pytest.fixture
def hospital(deployed: Hospital, cloned_db: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Hospital:
    deployed.appoint(settings)
    monkeypatch.setattr(queues, "_BETWEEN_LOOKS", 0.2)
    return deployed


def troubles(report: running.Report) -> dict[str, Finding]:
    return {finding.code: finding for finding in report.findings if finding.is_trouble}


def told(report: running.Report) -> str:
    return "\n".join(f"{one.code} {one.severity}: {one.seen} {one.about}" for one in report.findings if one.is_trouble)


def test_a_healthy_hub_is_all_green(hospital: Hospital) -> None:
    report = running.run(now())
    assert not troubles(report), told(report)
    assert {finding.code for finding in report.findings} == set(registry.checks())
    assert report.worst is Severity.OK


# Faults: each makes something wrong, and mends it again.


def version(body: str, name: str) -> Callable[[Hospital, Any], AbstractContextManager[None]]:
    @contextmanager
    def fault(hospital: Hospital, _settings: Any) -> Iterator[None]:
        artifact = hospital.version(body, name)
        yield
        hospital.client("servicecatalog").delete_provisioning_artifact(
            ProductId=hospital.product, ProvisioningArtifactId=artifact
        )

    return fault


def message(output: str) -> Callable[[Hospital, Any], AbstractContextManager[None]]:
    @contextmanager
    def fault(hospital: Hospital, _settings: Any) -> Iterator[None]:
        url = hospital.outputs[output]
        hospital.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
        yield
        hospital.purge(url)

    return fault


@contextmanager
def pending_mail(hospital: Hospital, _settings: Any) -> Iterator[None]:
    """The administrator left and came back, and has not confirmed again."""
    sns, topic = hospital.client("sns"), hospital.outputs["TopicArn"]
    for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        if one["Endpoint"] == hospital.administrator:
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=hospital.administrator)
    yield
    hospital.confirm()


@contextmanager
def deaf_queue(hospital: Hospital, _settings: Any) -> Iterator[None]:
    sns, topic, queue = hospital.client("sns"), hospital.outputs["TopicArn"], hospital.outputs["QueueArn"]
    for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        if one["Endpoint"] == queue:
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    yield
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)


@contextmanager
def disabled_key(hospital: Hospital, _settings: Any) -> Iterator[None]:
    kms, key = hospital.client("kms"), hospital.outputs["SigningKeyArn"]
    kms.disable_key(KeyId=key)
    yield
    kms.enable_key(KeyId=key)


@contextmanager
def foreign_key(hospital: Hospital, settings: Any) -> Iterator[None]:
    made = hospital.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    settings.GATEHOUSE_SIGNING_KEY = made
    yield
    settings.GATEHOUSE_SIGNING_KEY = hospital.outputs["SigningKeyArn"]


@contextmanager
def powerless_launch_role(hospital: Hospital, _settings: Any) -> Iterator[None]:
    iam = hospital.client("iam")
    document = iam.get_role_policy(RoleName="launch", PolicyName="inline")["PolicyDocument"]
    iam.delete_role_policy(RoleName="launch", PolicyName="inline")
    yield
    iam.put_role_policy(RoleName="launch", PolicyName="inline", PolicyDocument=json.dumps(document))


@contextmanager
def curious_end_users(hospital: Hospital, _settings: Any) -> Iterator[None]:
    statement = {"Effect": "Allow", "Action": "cloudformation:Describe*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = hospital.client("iam")
    iam.put_role_policy(RoleName="developers", PolicyName="curious", PolicyDocument=document)
    yield
    iam.delete_role_policy(RoleName="developers", PolicyName="curious")


@contextmanager
def crashed_function(hospital: Hospital, _settings: Any) -> Iterator[None]:
    hospital.client("lambda").invoke(FunctionName="gatehouse-notify", Payload=b'{"nonsense": true}')
    yield
    logs = hospital.client("logs")
    logs.delete_log_group(logGroupName="/aws/lambda/gatehouse-notify")
    logs.create_log_group(logGroupName="/aws/lambda/gatehouse-notify")


@contextmanager
def silent_rule(hospital: Hospital, _settings: Any) -> Iterator[None]:
    events = hospital.client("events")
    events.disable_rule(Name="gatehouse-gates")
    yield
    events.enable_rule(Name="gatehouse-gates")


@contextmanager
def unverified_sender(_hospital: Hospital, settings: Any) -> Iterator[None]:
    known, settings.GATEHOUSE_FROM_EMAIL = settings.GATEHOUSE_FROM_EMAIL, "nobody@unverified.test"
    yield
    settings.GATEHOUSE_FROM_EMAIL = known


@contextmanager
def wrong_clock(_hospital: Hospital, _settings: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: now() + timedelta(minutes=2))
        yield


@contextmanager
def overdue_request(_hospital: Hospital, _settings: Any) -> Iterator[None]:
    request = open_launch(now(), account=_hospital.account)
    LaunchRequest.objects.filter(pk=request.pk).update(deadline=now() - timedelta(minutes=5))
    yield
    LaunchRequest.objects.filter(pk=request.pk).update(deadline=now() + timedelta(hours=5))


@contextmanager
def unable_verify(hospital: Hospital, _settings: Any) -> Iterator[None]:
    """Its role lost its rights; the function runs and cannot check anything."""
    iam, role = hospital.client("iam"), f"gatehouse-verify-{hospital.region}"
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    known = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
    for name in known:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    yield
    for name, document in known.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


@contextmanager
def other_desk(_hospital: Hospital, settings: Any) -> Iterator[None]:
    known, settings.GATEHOUSE_DESK_URL = settings.GATEHOUSE_DESK_URL, "https://desk.elsewhere.test"
    yield
    settings.GATEHOUSE_DESK_URL = known


@contextmanager
def other_table(_hospital: Hospital, settings: Any) -> Iterator[None]:
    known, settings.GATEHOUSE_DECISIONS_TABLE = settings.GATEHOUSE_DECISIONS_TABLE, "decisions-of-yesterday"
    yield
    settings.GATEHOUSE_DECISIONS_TABLE = known


@contextmanager
def intake_kept_out(hospital: Hospital, _settings: Any) -> Iterator[None]:
    """A second role for intakes, with the hub's policy, that nobody wrote into DeskRoleArns."""
    iam = hospital.client("iam")
    allow.role(iam, "newcomer")
    policy = hospital.reads_queue("newcomer")
    yield
    iam.detach_role_policy(RoleName="newcomer", PolicyArn=policy)


@contextmanager
def unsent_mail(hospital: Hospital, _settings: Any) -> Iterator[None]:
    person = User.objects.create_user("ada@example.com", name="Ada")
    request = open_launch(now(), account=hospital.account)
    late = now() - timedelta(minutes=10)
    delivery = Delivery.objects.create(notice=request.notices.get(), person=person, next_attempt_at=late)
    yield
    Delivery.objects.filter(pk=delivery.pk).update(status=DeliveryStatus.SENT)


@contextmanager
def bad_setting(_hospital: Hospital, settings: Any) -> Iterator[None]:
    known, settings.GATEHOUSE_ACCOUNTS = settings.GATEHOUSE_ACCOUNTS, ["1234"]
    yield
    settings.GATEHOUSE_ACCOUNTS = known


@contextmanager
def unreachable_mail_server(_hospital: Hospital, settings: Any) -> Iterator[None]:
    """A port nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    known = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield
    settings.EMAIL_BACKEND = known


TOKEN = re.compile(r"ServiceToken: !Sub \S+function:gatehouse-notify")
FAULTS: dict[str, tuple[Callable[[Hospital, Any], AbstractContextManager[None]], str, set[str]]] = {
    "mail_subscription": (pending_mail, "Subscription Confirmation", set()),
    "desk_subscription": (deaf_queue, "Deploy the stack again", set()),
    "dead_letters": (message("DeadLetterQueueUrl"), "redrive", set()),
    "failed_invocations": (message("FailuresQueueUrl"), "launch again", set()),
    "queue_age": (message("QueueUrl"), "manage.py intake", set()),
    "desk_queue": (intake_kept_out, "DeskRoleArns", set()),
    "signing_key": (disabled_key, "enable the key", {"desk_signs"}),
    "signing_key_accepted": (foreign_key, "GATEHOUSE_SIGNING_KEY", set()),
    # Beside another version with a gate of the same names.
    "service_token": (version(TOKEN.sub("ServiceToken: ''", SAMPLE), "no token"), "NotifyArn", {"ungated_version"}),
    "launch_role": (powerless_launch_role, "lambda:InvokeFunction", set()),
    "ungated_version": (version(UNGATED, "before approvals"), "Deactivate the version", set()),
    "wait_outlives_url": (
        version(SAMPLE.replace("Timeout: !Ref ApprovalTimeout", "Timeout: 43200"), "long"),
        "42600",
        {"ungated_version"},
    ),
    "wait_url_revealed": (curious_end_users, "deny these actions", set()),
    "function_errors": (crashed_function, "log group", set()),
    "status_rules": (silent_rule, "Enable the rule", set()),
    "mail_sender": (unverified_sender, "GATEHOUSE_FROM_EMAIL", set()),
    "clock_skew": (wrong_clock, "time synchronisation", set()),
    "timers": (overdue_request, "Start beat", set()),
    "verify_self_test": (unable_verify, "kms:Verify", set()),
    "desk_address": (other_desk, "DeskUrl", set()),
    "decisions_table": (other_table, "GATEHOUSE_DECISIONS_TABLE", set()),
    "mail_queue": (unsent_mail, "findings about mail", set()),
    "settings": (bad_setting, "twelve digits", set()),
    "mail_server": (unreachable_mail_server, "EMAIL_HOST", set()),
}


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_is_found_alone_and_its_remedy_named(hospital: Hospital, settings: Any, code: str) -> None:
    fault, remedy, _follows = FAULTS[code]
    with fault(hospital, settings):
        report = running.run(now(), only=[code])
    finding = troubles(report)[code]
    assert remedy in finding.advice
    assert finding.seen
    assert finding.reason
    assert finding.severity.rank >= Severity.WARNING.rank
    assert not troubles(running.run(now(), only=[code])), "mended"


def test_many_faults_at_once_are_as_many_findings(hospital: Hospital, settings: Any) -> None:
    # Another key hides that the first is disabled; a mail server of one's own leaves nothing to ask SES.
    chosen = [code for code in FAULTS if code not in ("signing_key_accepted", "mail_server")]
    with ExitStack() as stack:
        for code in chosen:
            stack.enter_context(FAULTS[code][0](hospital, settings))
        report = running.run(now())
    assert len(chosen) >= 10
    assert set(troubles(report)) == set(chosen).union(*(FAULTS[code][2] for code in chosen)), told(report)
    # One check may find several versions, each with an advice of its own.
    advice = {code: " ".join(one.advice for one in report.findings if one.code == code) for code in chosen}
    assert {code: text for code, text in advice.items() if FAULTS[code][1] not in text} == {}
    assert report.worst is Severity.CRITICAL
    ranks = [finding.severity.rank for finding in report.findings]
    assert ranks == sorted(ranks, reverse=True)


def test_tokens_of_other_regions_accounts_and_functions_are_told_apart(hospital: Hospital) -> None:
    seen = []
    for token in (
        f"arn:aws:lambda:eu-west-1:{hospital.account}:function:gatehouse-notify",
        "arn:aws:lambda:us-east-1:999999999999:function:gatehouse-notify",
        f"arn:aws:lambda:us-east-1:{hospital.account}:function:something",
        "arn:aws:sns:us-east-1:999999999999:topic",
    ):
        with version(TOKEN.sub(f"ServiceToken: {token}", SAMPLE), "wrong")(hospital, None):
            found = troubles(running.run(now(), only=["service_token"]))["service_token"]
            seen.append(found.seen.partition(" is ")[2].partition(":")[0] or found.seen)
            assert token in found.seen
    assert seen[:2] == ["in another region", "in another account"]
    assert "names another function" in seen[2]
    assert seen[3] == "not the ARN of a function"


def test_a_stack_nobody_announced_is_found(deployed: Hospital, cloned_db: str) -> None:
    """In an account without rules, whose stacks tell nobody anything."""
    with Hospital(deployed.endpoint).acting() as silent:
        client = silent.client("cloudformation")
        name = f"SC-{silent.account}-pp-unannounced"
        stack_id = client.create_stack(StackName=name, TemplateBody=WAITS)["StackId"]
        try:
            later = now() + timedelta(minutes=2)
            found = troubles(running.run(later, only=["unknown_stacks"]))
            assert found["unknown_stacks"].about == stack_id
            assert not troubles(running.run(now(), only=["unknown_stacks"])), "its message may still be on its way"
        finally:
            client.delete_stack(StackName=stack_id)


def test_what_the_desk_left_undone_is_found(hospital: Hospital, cast: Cast) -> None:
    request = open_launch(now(), account=hospital.account)
    actions.approve(request.pk, actor=Actor(cast.approver, Channel.DESK), now=now(), reason="Fine.")
    Signal.objects.update(next_attempt_at=now() - timedelta(minutes=5))
    actions.raise_alarm(AlarmCode.BYPASS, now=now(), stack_id="arn:x", detail="")
    found = troubles(running.run(now(), only=["worker", "alarms"]))
    assert found["worker"].severity is Severity.CRITICAL
    assert "celery -A portal worker" in found["worker"].advice
    assert found["alarms"].seen == "Alarms nobody has acknowledged: 1."


def test_a_hold_that_waits_longer_than_its_url_lives_is_found(hospital: Hospital) -> None:
    request = open_launch(now(), account=hospital.account)
    hold = request.holds.get()
    hold.url_expires_at = now() + timedelta(hours=2)
    hold.save(update_fields=["url_expires_at"])
    assert request.number in troubles(running.run(now(), only=["wait_outlives_url"]))["wait_outlives_url"].seen


def test_accounts_that_nobody_listed_are_named(hospital: Hospital, settings: Any) -> None:
    open_launch(now(), account="444455556666")
    assert "444455556666" in troubles(running.run(now(), only=["accounts"]))["accounts"].seen
    settings.GATEHOUSE_ACCOUNTS = ["444455556666"]
    assert not troubles(running.run(now(), only=["accounts"]))
    spoke = troubles(running.run(now(), only=["readers"]))["readers"]
    assert (spoke.severity, spoke.about) == (Severity.INFO, "444455556666 us-east-1")


def test_a_table_of_decisions_that_is_gone_is_found(hospital: Hospital) -> None:
    dynamodb, name = hospital.client("dynamodb"), hospital.outputs["DecisionsTable"]
    known = dynamodb.describe_table(TableName=name)["Table"]
    dynamodb.delete_table(TableName=name)
    try:
        found = troubles(running.run(now(), only=["decisions_table"]))["decisions_table"]
    finally:
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            **{key: known[key] for key in ("AttributeDefinitions", "KeySchema")},
        )
    assert found.seen == f"The table {name} is missing."
    assert found.severity is Severity.CRITICAL
    assert "deploy the hub again" in found.advice
    assert not troubles(running.run(now(), only=["decisions_table"]))


def test_a_desk_that_reads_another_queue_or_none_is_found(hospital: Hospital, settings: Any) -> None:
    other = hospital.client("sqs").create_queue(QueueName="elsewhere")["QueueUrl"]
    seen = []
    for url in (other, f"{other}-gone", ""):
        settings.GATEHOUSE_QUEUE_URL = url
        seen.append(troubles(running.run(now(), only=["desk_queue"]))["desk_queue"].seen)
    wanted = hospital.outputs["QueueUrl"]
    assert seen == [
        f"The desk reads {other}, the hub stack's queue is {wanted}.",
        "GATEHOUSE_QUEUE_URL names a queue that does not exist.",
        "GATEHOUSE_QUEUE_URL is not set.",
    ]


def test_a_mail_server_that_answers_is_well_and_gets_no_mail(hospital: Hospital, settings: Any) -> None:
    heard: list[bytes] = []
    with unreachable_mail_server(hospital, settings), socket.create_server(("127.0.0.1", 0)) as door:
        settings.EMAIL_PORT = door.getsockname()[1]
        server = threading.Thread(target=greets, args=(door, heard))
        server.start()
        assert not troubles(running.run(now(), only=["mail_server"]))
        server.join(10)
    assert [line.strip().lower() for line in heard] == [b"quit"]


def greets(door: socket.socket, heard: list[bytes]) -> None:
    """As much of SMTP as it takes to say hello and goodbye."""
    caller, _address = door.accept()
    with caller, caller.makefile("rwb", buffering=0) as line:
        line.write(b"220 mail.test\r\n")
        while said := line.readline():
            heard.append(said)
            line.write(b"221 bye\r\n" if said.lower().startswith(b"quit") else b"250 mail.test\r\n")


def test_an_account_without_a_hub_is_told_what_to_deploy(deployed: Hospital, cloned_db: str, settings: Any) -> None:
    settings.GATEHOUSE_QUEUE_URL = settings.GATEHOUSE_SIGNING_KEY = ""
    with Hospital(deployed.endpoint).acting():
        found = troubles(running.run(now()))
    assert "lambdas/template.yaml" in found["hub_stack"].advice
    assert {"hub_functions", "desk_subscription", "desk_queue"} <= set(found)


# Reads only


@contextmanager
def recorded() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Every call that any client makes meanwhile, with what was sent."""
    calls: list[tuple[str, dict[str, Any]]] = []
    send = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def noting(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        calls.append((operation, arguments))
        return send(self, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", noting)
        yield calls


def test_the_doctor_only_reads(hospital: Hospital, settings: Any) -> None:
    with recorded() as calls, ExitStack() as stack:
        for code in ("dead_letters", "ungated_version", "mail_sender"):
            stack.enter_context(FAULTS[code][0](hospital, settings))
        del calls[:]
        running.run(now())
        made = list(calls)
    assert len(made) > 30
    reading = re.compile(r"(Describe|Get|List|Simulate|Lookup|Filter|Search)[A-Z]")
    for operation, arguments in made:
        if operation == "Invoke":
            assert (arguments["FunctionName"], arguments["Payload"]) == ("gatehouse-verify", b'{"self_test": true}')
        elif operation == "Sign":
            assert arguments["DryRun"] is True
        else:
            assert reading.match(operation), operation


# Rights


@contextmanager
def refused(*operations: str) -> Iterator[None]:
    """AWS says no to these; the sandbox has no way to."""
    send = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def answering(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation in operations:
            words = "User is not authorized, see https://x.example/?X-Amz-Signature=s3cret"
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": words}}, operation)
        return send(self, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", answering)
        yield


@pytest.mark.parametrize(
    ("operation", "code", "action"),
    [
        ("FilterLogEvents", "function_errors", "logs:FilterLogEvents"),
        ("ListSubscriptionsByTopic", "mail_subscription", "sns:ListSubscriptionsByTopic"),
        ("GetAccount", "mail_allowed", "ses:GetAccount"),
        ("Invoke", "verify_self_test", "lambda:InvokeFunction"),
        ("SearchProductsAsAdmin", "service_token", "servicecatalog:SearchProductsAsAdmin"),
        ("DescribeKey", "signing_key", "kms:DescribeKey"),
    ],
)
def test_a_missing_right_is_named_and_stops_no_other_check(
    hospital: Hospital, operation: str, code: str, action: str
) -> None:
    with refused(operation):
        report = running.run(now())
    finding = troubles(report)[code]
    assert finding.severity is Severity.WARNING
    assert finding.seen == f"Could not look: the right {action} is missing."
    assert f"arn:aws:iam::{hospital.account}:root the right {action}" in finding.advice
    assert {one.code for one in report.findings} == set(registry.checks())
    assert "s3cret" not in str(report)


def test_a_template_that_may_not_be_read_is_said(hospital: Hospital) -> None:
    with refused("GetObject"):
        found = troubles(running.run(now()))
    assert found["template_unreadable"].seen == "The template of Data sandbox v1 cannot be read: s3:GetObject."
    assert "ungated_version" not in found


def test_without_simulation_the_policies_are_read(hospital: Hospital, settings: Any) -> None:
    with refused("SimulatePrincipalPolicy"):
        assert not troubles(running.run(now(), only=["launch_role"]))
        with powerless_launch_role(hospital, settings):
            assert "launch_role" in troubles(running.run(now(), only=["launch_role"]))


def test_a_worker_that_may_not_sign_is_found(hospital: Hospital, settings: Any) -> None:
    with refused("Sign"):
        finding = troubles(running.run(now(), only=["desk_signs"]))["desk_signs"]
    assert finding.seen == "KMS refused a dry run of signing: AccessDeniedException."
    settings.GATEHOUSE_SIGNING_KEY = ""
    assert troubles(running.run(now(), only=["desk_signs"]))["desk_signs"].severity is Severity.INFO
    by_worker = troubles(running.run(now(), only=["desk_signs"], by_worker=True))
    assert by_worker["desk_signs"].severity is Severity.CRITICAL


def test_ses_in_sandbox_mode_is_said(hospital: Hospital) -> None:
    send = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            botocore.client.BaseClient,
            "_make_api_call",
            lambda self, operation, arguments: (
                {"ProductionAccessEnabled": False, "SendingEnabled": True}
                if operation == "GetAccount"
                else send(self, operation, arguments)
            ),
        )
        found = troubles(running.run(now(), only=["mail_allowed"]))
    assert found["mail_allowed"].seen == "SES is in sandbox mode."


def test_secrets_in_a_function_s_log_are_not_shown(hospital: Hospital) -> None:
    """Canaries: in a URL's query and path, percent-encoded, as a token, as a receipt."""
    logs, group = hospital.client("logs"), "/aws/lambda/gatehouse-verify"
    link = "QnVtYmxlYmVlLWNhbmFyeS1saW5rLXRva2VuLTAwMDE"
    text = (
        "[ERROR] call of https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/canary1?X-Amz-Signature=canary2"
        " "
        f"and https%3A%2F%2Fbucket.example%2Fcanary3%3FX-Amz-Signature%3Dcanary4 and https://api.example/d/{link} "
        "X-Amz-Security-Token=canary5 eyJhbGciOiJFUzI1NiJ9.canary6.canary7 failed"
    )
    logs.create_log_stream(logGroupName=group, logStreamName="canary")
    event = {"timestamp": int(now().timestamp() * 1000), "message": text}
    logs.put_log_events(logGroupName=group, logStreamName="canary", logEvents=[event])
    try:
        found = troubles(running.run(now(), only=["function_errors"]))["function_errors"]
    finally:
        logs.delete_log_stream(logGroupName=group, logStreamName="canary")
    assert "[ERROR] call of https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/[cut]" in found.seen
    assert not re.search(r"canary\d", str(found))
    assert link not in str(found)


# The command


def command(*arguments: str) -> tuple[int, str]:
    out, status = StringIO(), 0
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        status = int(str(end.code))
    return status, out.getvalue()


def test_the_exit_status_says_how_grave_it_is(hospital: Hospital, settings: Any) -> None:
    status, text = command()
    assert status == 0, text
    with FAULTS["dead_letters"][0](hospital, settings):
        assert command("--only", "dead_letters")[0] == 1
        with FAULTS["ungated_version"][0](hospital, settings):
            status, text = command()
            assert status == 2
            assert command("--severity", "critical", "--only", "dead_letters")[0] == 1, "hidden is not mended"
    first, *_others = text.splitlines()
    assert first == "CRITICAL Ways around the gate [ungated_version]"
    assert text.index("[ungated_version]") < text.index("[dead_letters]") < text.index("ok       The clock")
    assert "    do     Deactivate the version in Service Catalog." in text
    assert "2 findings," in text.splitlines()[-1]


def test_the_machine_form_has_its_documented_shape(hospital: Hospital, settings: Any) -> None:
    with FAULTS["dead_letters"][0](hospital, settings):
        status, text = command("--json")
    told = json.loads(text)
    assert [finding["seen"] for finding in told["findings"] if finding["severity"] == "critical"] == []
    assert status == 1
    assert set(told) == {"at", "seconds", "worst", "findings"}
    assert told["worst"] == "warning"
    keys = {"code", "severity", "title", "seen", "why", "remedy", "about"}
    assert all(set(finding) == keys for finding in told["findings"])
    worst = told["findings"][0]
    assert (worst["code"], worst["severity"]) == ("dead_letters", "warning")
    assert worst["seen"] == "Messages in the dead-letter queue: 1."
    assert worst["about"] == hospital.outputs["DeadLetterQueueUrl"]


def test_an_unknown_code_is_refused_with_the_list() -> None:
    with pytest.raises(CommandError, match=r"There is no check nonsense\. There are: accounts,"):
        call_command("doctor", "--only", "nonsense")


def test_the_documents_list_every_check_with_its_remedy() -> None:
    text = " ".join((Path(ROOT) / "docs" / "operations.md").read_text("utf-8").split())
    headings = re.findall(r"^### `(\w+)`", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE)
    assert headings == list(registry.checks())
    for check in registry.checks().values():
        for words in (check.title, check.why, check.remedy):
            assert words.replace("%(hint)s", "Each finding brings the hint of its check.") in text, check.code
