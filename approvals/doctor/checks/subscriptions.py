"""Who listens to the topics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit, code_of
from approvals.intake.envelope import TOPIC_NAME
from catalog import partitions


def _topic(visit: Visit) -> str:
    here = visit.here
    return f"arn:{partitions.of_region(here.region).name}:sns:{here.region}:{here.account}:{TOPIC_NAME}"


def _subscriptions(visit: Visit) -> list[dict[str, Any]]:
    """Those of the place's topic; none where there is no topic."""
    try:
        return visit.round.once(
            ("subscriptions", visit.here),
            lambda: visit.here.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=_topic(visit)),
        )
    except ClientError as error:
        if code_of(error) in ("NotFound", "NotFoundException"):
            return []
        raise


@check(
    "mail_subscription",
    Severity.WARNING,
    title=_("E-mail subscriptions"),
    why=_(
        "Amazon SNS sends launches by e-mail only to addresses that were confirmed; these administrators hear nothing."
    ),
    remedy=_(
        'Open the mail "AWS Notification - Subscription Confirmation" at that address and follow its link. After '
        "two days it is dead: deploy the stack without the address, then with it again."
    ),
)
def mail_subscription(visit: Visit) -> Iterator[Problem]:
    mails = [one for one in _subscriptions(visit) if one["Protocol"] == "email"]
    for one in mails:
        if one["SubscriptionArn"] == "PendingConfirmation":
            seen = _("The subscription of %(address)s waits for its confirmation.")
            yield problem(seen, about=one["TopicArn"], address=one["Endpoint"])
    wanted = {visit.hub.parameters.get(name, "") for name in ("AdminEmail", "SecondAdminEmail", "ThirdAdminEmail")}
    for address in sorted(wanted - {one["Endpoint"] for one in mails} - {""}):
        yield problem(
            _("%(address)s is a parameter of the stack and has no subscription."),
            about=_topic(visit),
            remedy=_(
                "It was deleted, most likely by the link at the end of a mail: deploy the stack without the address, "
                "then with it again."
            ),
            address=address,
        )


@check(
    "desk_subscription",
    Severity.CRITICAL,
    title=_("Subscription of the desk's queue"),
    why=_("Launches reach the desk through this subscription; without it they wait until they roll back."),
    remedy=_(
        "Deploy the stack again. In a spoke, check HubAccount and HubRegion; a pending subscription is confirmed by "
        "the desk's intake, which must be running and know the account (GATEHOUSE_ACCOUNTS)."
    ),
    everywhere=True,
)
def desk_subscription(visit: Visit) -> Iterator[Problem]:
    queue = visit.hub.outputs.get("QueueArn", "")
    found = [one for one in _subscriptions(visit) if one["Protocol"] == "sqs" and one["Endpoint"] == queue]
    if not found:
        yield problem(_("The topic has no subscription of the desk's queue."), about=_topic(visit))
    for one in found:
        arn = one["SubscriptionArn"]
        if arn == "PendingConfirmation":
            yield problem(_("The subscription of the desk's queue waits for its confirmation."), about=_topic(visit))
            continue
        told = visit.here.read("sns", "get_subscription_attributes", SubscriptionArn=arn)["Attributes"]
        if told.get("RawMessageDelivery") == "true":
            yield problem(
                _("Raw message delivery is switched on: the desk cannot check who sent a message."),
                about=arn,
                remedy=_("Switch raw message delivery off in the subscription, or deploy the stack again."),
            )
