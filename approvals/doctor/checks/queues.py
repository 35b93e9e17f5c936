"""The desk's queue and what did not get through."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit, code_of
from catalog import partitions

# A living intake takes a message within a second.
_BETWEEN_LOOKS = 2.0
_OLD, _VERY_OLD = 60, 300


def _waiting(visit: Visit, url: str) -> tuple[int, int]:
    """How many messages wait, and how many were received and are not deleted yet."""
    told = visit.round.home.read(
        "sqs",
        "get_queue_attributes",
        QueueUrl=url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return int(told["ApproximateNumberOfMessages"]), int(told["ApproximateNumberOfMessagesNotVisible"])


@check(
    "dead_letters",
    Severity.WARNING,
    title=_("Dead letters"),
    why=_("Each is a message the desk failed to take five times: a launch or an outcome it may not know about."),
    remedy=_(
        "Read the intake's log for the reason, mend it, then start the redrive of gatehouse-desk-dead to "
        "gatehouse-desk in the SQS console. Launches still waiting are found by reconciliation as well."
    ),
)
def dead_letters(visit: Visit) -> Iterator[Problem]:
    url = visit.hub.outputs.get("DeadLetterQueueUrl") or _beside(visit.hub.outputs.get("QueueUrl", ""), "-dead")
    if url and (count := sum(_waiting(visit, url))):
        yield problem(_("Messages in the dead-letter queue: %(count)s."), about=url, count=count)


@check(
    "failed_invocations",
    Severity.WARNING,
    title=_("Failed calls of functions"),
    why=_("A function failed at every try, so CloudFormation or EventBridge was not heard. They are kept for a day."),
    remedy=_(
        "Look at the finding about function errors for the reason. A launch whose call failed rolls back by itself: "
        "ask its requester to launch again."
    ),
)
def failed_invocations(visit: Visit) -> Iterator[Problem]:
    url = visit.hub.outputs.get("FailuresQueueUrl", "")
    if url and (count := sum(_waiting(visit, url))):
        yield problem(_("Failed calls in the failures queue: %(count)s."), about=url, count=count)


@check(
    "queue_age",
    Severity.CRITICAL,
    title=_("Age of messages in the queue"),
    why=_("While nobody reads the queue the desk hears of no launch, and every stack's clock runs."),
    remedy=_("Start the intake (manage.py intake), or look at its log; more than one may run at a time."),
)
def queue_age(visit: Visit) -> Iterator[Problem]:
    url = settings.GATEHOUSE_QUEUE_URL or visit.hub.outputs.get("QueueUrl", "")
    if not url:
        return
    age = _age(visit)
    if age >= _OLD:
        grave = Severity.CRITICAL if age >= _VERY_OLD else Severity.WARNING
        yield problem(_("The oldest message has waited for %(age)s seconds."), about=url, severity=grave, age=age)
        return
    first, _taken = _waiting(visit, url)
    if first:
        time.sleep(_BETWEEN_LOOKS)
        second, taken = _waiting(visit, url)
        if second >= first and not taken:
            yield problem(_("Messages wait and nobody takes them: %(count)s."), about=url, count=second)


def _age(visit: Visit) -> int:
    """Seconds, as SQS last told CloudWatch; 0 where it has not."""
    points = visit.round.home.read(
        "cloudwatch",
        "get_metric_statistics",
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": "gatehouse-desk"}],
        StartTime=visit.now - timedelta(minutes=10),
        EndTime=visit.now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    newest = max(points, key=lambda point: point["Timestamp"], default=None)
    return int(newest["Maximum"]) if newest else 0


@check(
    "desk_queue",
    Severity.CRITICAL,
    title=_("The queue the desk reads"),
    why=_("The topics write to the queue of the hub stack; a desk that reads another one hears nothing."),
    remedy=_(
        "Set GATEHOUSE_QUEUE_URL to the output QueueUrl of gatehouse-hub for every process, and let the "
        "intake's role "
        "receive and delete there (parameter DeskRoleArns)."
    ),
)
def desk_queue(visit: Visit) -> Iterator[Problem]:
    wanted, own = visit.hub.outputs.get("QueueUrl", ""), settings.GATEHOUSE_QUEUE_URL
    if not own:
        yield problem(_("GATEHOUSE_QUEUE_URL is not set."), about=wanted)
        return
    try:
        _waiting(visit, own)
    except ClientError as error:
        if not code_of(error).endswith(("NonExistentQueue", "QueueDoesNotExist")):
            raise
        yield problem(_("GATEHOUSE_QUEUE_URL names a queue that does not exist."), about=own)
        return
    if wanted and _path(own) != _path(wanted):
        yield problem(
            _("The desk reads %(own)s, the hub stack's queue is %(wanted)s."), about=own, own=own, wanted=wanted
        )
    for role in _shut_out(visit, own):
        seen = _("The role %(role)s has the intake's policy, and the queue's own policy keeps it out.")
        yield problem(seen, about=own, role=role)


def _shut_out(visit: Visit, url: str) -> list[str]:
    """Names of the intake's roles that the queue's policy does not let read. Nothing is received to find out."""
    told = visit.round.home.read("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["Policy"])
    readers = _readers(json.loads(told.get("Attributes", {}).get("Policy") or "{}"))
    if readers is None:
        return []
    return [role for role in _intakes(visit) if role not in readers]


def _readers(policy: dict[str, Any]) -> set[str] | None:
    """Names of the roles that the hub's OnlyTheDeskReads spares; None where there is no such statement."""
    for statement in policy.get("Statement", []):
        if statement.get("Sid") == "OnlyTheDeskReads":
            spared = statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
            return {arn.rpartition("/")[2] for arn in ([spared] if isinstance(spared, str) else spared)}
    return None


def _intakes(visit: Visit) -> list[str]:
    """Names of the roles that have the hub's policy for the intake."""
    home = visit.round.home
    policy = f"policy/gatehouse-desk-intake-{home.region}"
    arn = f"arn:{partitions.of_region(home.region).name}:iam::{home.account}:{policy}"
    try:
        roles = home.pages("iam", "list_entities_for_policy", "PolicyRoles", PolicyArn=arn, EntityFilter="Role")
    except ClientError as error:
        if code_of(error) not in ("NoSuchEntity", "NoSuchEntityException"):
            raise
        return []
    return sorted(role["RoleName"] for role in roles)


def _path(url: str) -> str:
    """Account and name: hosts have more than one form."""
    return "/".join(url.rsplit("/", 2)[-2:])


def _beside(url: str, ending: str) -> str:
    return url + ending if url else ""
