"""The sandbox ends at once, leaves no process, and takes up its state again."""

import json
import os
import signal as signals
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.process import SandboxProcess
from tests.sandbox.conftest import client
from tests.sandbox.gate import Gate, fetch, send, signal, until
from tests.support import allow

ACCOUNT = "444455556666"
Ending = Callable[[SandboxProcess], None]


def in_order(process: SandboxProcess) -> None:
    started = time.monotonic()
    process.stop(60)
    assert time.monotonic() - started < 15  # well under 1 s where nothing else runs; it waits for nobody


@pytest.fixture
def process(tmp_path: Path) -> Iterator[SandboxProcess]:
    running = SandboxProcess(tmp_path / "state", log=tmp_path / "log")
    running.start()
    yield running
    running.stop()
    assert not (tmp_path / "log").read_text()


def gate_of(process: SandboxProcess) -> Gate:
    return Gate(process.url, client(process.url, "cloudformation", ACCOUNT), ACCOUNT)


def group(pid: int) -> list[str]:
    """The processes of a process group, by their command."""
    listed = subprocess.run(["ps", "-eo", "pgid,args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if line.split()[0] == str(pid)]


def kept_waiting(folder: Path, stack: str) -> bool:
    """Whether the snapshot on disk knows that a stack waits."""
    document = json.loads((folder / "state" / "services" / "cloudformation.json").read_text())
    stacks = document["payload"]["stacks"]["data"].values()
    return any(s["StackId"] == stack and "Wait" in s.get("_live", {}) for s in stacks)


@pytest.mark.parametrize("end", [in_order, SandboxProcess.kill], ids=["SIGTERM", "SIGKILL"])
def test_launch_and_update_in_flight_are_rolled_back_at_the_next_start(
    process: SandboxProcess, end: Ending, tmp_path: Path
) -> None:
    gate = gate_of(process).deploy_hub()
    sqs = client(process.url, "sqs", ACCOUNT)
    events = client(process.url, "events", ACCOUNT)
    queue = sqs.create_queue(QueueName="desk")["QueueUrl"]
    events.put_rule(Name="stacks", EventPattern='{"source": ["aws.cloudformation"]}')
    events.put_targets(Rule="stacks", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:desk"}])
    standing, url = gate.waiting()
    send(url, signal())
    gate.ended(standing)
    gate.cloudformation.update_stack(StackName=standing, TemplateBody=json.dumps(gate.template("2")))
    gate.wait_url(standing, "2")
    launched, url = gate.waiting()
    until(lambda: kept_waiting(tmp_path, launched), 10)  # a crash loses what is younger than a snapshot
    end(process)
    process.start()
    assert send(url, signal()).status == 200
    rolled_back, updated = gate.ended(launched), gate.ended(standing)
    assert (rolled_back["StackStatus"], rolled_back["StackStatusReason"]) == ("ROLLBACK_COMPLETE", "sandbox stopped")
    assert (updated["StackStatus"], updated["StackStatusReason"]) == ("UPDATE_ROLLBACK_COMPLETE", "sandbox stopped")
    story = gate.story(launched)
    assert ("Wait", "CREATE_FAILED", "sandbox stopped") in story
    assert ("stack", "ROLLBACK_IN_PROGRESS", "sandbox stopped") in story
    assert ("Request", "DELETE_COMPLETE", None) in story
    missing = {(launched, "ROLLBACK_COMPLETE"), (standing, "UPDATE_ROLLBACK_COMPLETE")}
    for message in gate.messages(sqs, queue):
        missing.discard((message["detail"]["stack-id"], message["detail"]["status-details"]["status"]))
        if not missing:
            break
    assert not missing


def test_keys_stacks_functions_topics_queues_rules_and_mail_survive(process: SandboxProcess) -> None:
    aws = {name: client(process.url, name, ACCOUNT) for name in ("kms", "sns", "sqs", "events", "ses", "lambda")}
    gate = gate_of(process).deploy_hub()
    key = aws["kms"].create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = aws["kms"].get_public_key(KeyId=key)["PublicKey"]
    asked = {"KeyId": key, "Message": b"receipt", "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = aws["kms"].sign(**asked)["Signature"]
    stack, url = gate.waiting()
    send(url, signal())
    gate.ended(stack)
    story = gate.events(stack)
    topic = aws["sns"].create_topic(Name="launches", Attributes={"SignatureVersion": "2"})["TopicArn"]
    queue = aws["sqs"].create_queue(QueueName="desk")["QueueUrl"]
    aws["sns"].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=allow.topic(aws["sqs"], queue, topic))
    aws["sns"].subscribe(TopicArn=topic, Protocol="email", Endpoint="anna@example.com")
    aws["events"].put_rule(Name="stacks", EventPattern='{"source": ["aws.cloudformation"]}')
    aws["ses"].verify_email_identity(EmailAddress="desk@gatehouse.example")
    aws["sns"].publish(TopicArn=topic, Message="kept")
    mails = json.loads(fetch(f"{process.url}/mailbox/messages.json"))
    in_order(process)
    process.start()
    assert aws["kms"].get_public_key(KeyId=key)["PublicKey"] == public
    assert aws["kms"].verify(**asked, Signature=signature)["SignatureValid"]
    assert gate.stack(stack)["StackStatus"] == "CREATE_COMPLETE"
    assert gate.events(stack) == story
    assert gate.cloudformation.get_template(StackName=stack)["TemplateBody"]
    assert aws["sns"].get_topic_attributes(TopicArn=topic)["Attributes"]["SignatureVersion"] == "2"
    assert aws["events"].describe_rule(Name="stacks")["State"] == "ENABLED"
    assert aws["ses"].list_identities()["Identities"] == ["desk@gatehouse.example"]
    assert next(gate.messages(aws["sqs"], queue))["Message"] == "kept"
    assert json.loads(fetch(f"{process.url}/mailbox/messages.json")) == mails != []
    fresh, url = gate.waiting()
    send(url, signal())
    assert gate.ended(fresh)["StackStatus"] == "CREATE_COMPLETE"


def test_end_leaves_no_process_and_no_scratch_files(process: SandboxProcess, tmp_path: Path) -> None:
    gate = gate_of(process).deploy_hub()
    for _ in range(3):
        gate.waiting()
    pid = process.pid
    assert len(group(pid)) > 1, "a warm worker runs"
    in_order(process)
    assert group(pid) == []
    assert not (tmp_path / "state" / "scratch").exists()


def test_worker_ends_when_its_sandbox_is_killed(process: SandboxProcess) -> None:
    gate_of(process).deploy_hub().waiting()
    pid = process.pid
    os.kill(pid, signals.SIGKILL)
    until(lambda: [line for line in group(pid) if "<defunct>" not in line] == [], 5)
    process.kill()


def test_start_is_quick_and_listens_on_loopback_only(tmp_path: Path) -> None:
    before = os.times()
    with SandboxProcess(tmp_path / "state") as process:
        listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=False).stdout
        addresses = {line.split()[3] for line in listening.splitlines() if line.split()[3].endswith(f":{process.port}")}
        assert addresses <= {f"127.0.0.1:{process.port}"}
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 4


def test_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with SandboxProcess(tmp_path / "state") as process:
        command = [sys.executable, "-m", "sandbox", "--port", str(process.port)]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        assert second.returncode == 1
        assert second.stderr == f"Port {process.port} on 127.0.0.1 is taken: choose another with --port.\n"


def test_state_is_readable_by_its_owner_only(process: SandboxProcess, tmp_path: Path) -> None:
    key = client(process.url, "kms", ACCOUNT).create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    assert key["KeyMetadata"]["KeyId"]
    until((tmp_path / "state" / "services" / "kms.json").exists)
    modes = {}
    for path in (tmp_path / "state").rglob("*"):
        with suppress(FileNotFoundError):  # what is being written gets its name when it is whole
            modes[path] = path.stat().st_mode & 0o077
    assert modes
    assert set(modes.values()) == {0}
