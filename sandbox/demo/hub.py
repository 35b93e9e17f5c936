"""What an administrator sets up in AWS before a desk can work: hub stack, queue, sender."""

import functools
from collections.abc import Collection

import boto3
from botocore.exceptions import ClientError

from lambdas.deploy import DeployError, deploy, explained
from sandbox.demo.catalogue import ClientFactory
from sandbox.demo.environment import REPLY_DOMAIN, SENDER, WORK_QUEUE, aws
from sandbox.demo.people import ACCOUNT, REGION
from sandbox.problems import ProblemError

PAUSE = 0.1


class HubError(ProblemError):
    """The hub stack could not be deployed; one sentence with CloudFormation's reason."""


def clients(sandbox_url: str, account: str = ACCOUNT, region: str = REGION) -> ClientFactory:
    """Clients of the sandbox, as the root of this account unless the call names other keys."""
    session = boto3.Session(account, aws(sandbox_url)["AWS_SECRET_ACCESS_KEY"], None, region)
    return functools.partial(session.client, endpoint_url=sandbox_url)


def prepare(desk_url: str, sandbox_url: str, administrator: str, spokes: Collection[str] = ()) -> dict[str, str]:
    """Deploy everything the desk needs; safe to repeat. Returns the hub stack's outputs by name.

    `spokes` are other accounts that may send to the hub's queue.
    """
    client = clients(sandbox_url)
    wanted = {"DeskUrl": desk_url, "DevelopmentOrigin": sandbox_url, "AdminEmail": administrator}
    wanted |= {"AllowFiles": "yes", "ReplyDomain": REPLY_DOMAIN}
    outputs = deployed(client, **wanted, **({"AllowedAccounts": ",".join(spokes)} if spokes else {}))
    client("sqs").create_queue(QueueName=WORK_QUEUE)
    client("ses").verify_email_identity(EmailAddress=SENDER)
    return outputs


def deployed(client: ClientFactory, kind: str = "hub", **wanted: str) -> dict[str, str]:
    """The stack with these parameters, deployed as `make deploy-hub` does it; its outputs. Raises HubError."""
    try:
        return deploy(client, kind, wanted, pause=PAUSE)
    except DeployError as error:
        raise HubError(str(error)) from None
    except ClientError as error:
        raise HubError(explained(error)) from None
