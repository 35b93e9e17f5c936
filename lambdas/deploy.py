"""`python -m lambdas.deploy hub|spoke`: creates or updates the stack `gatehouse-hub` or `gatehouse-spoke`.

The invariant: what was said before is kept. A parameter that is not named has its value of last time (at first its
default), a stack in the middle of something is left alone, and a bucket is used only if it is this account's own.
A template that is too large for a request goes through a bucket, by default `gatehouse-deploy-<account>-<region>`:
private, encrypted, over TLS only.
"""

import argparse
import hashlib
import json
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, ProfileNotFound

HERE = Path(__file__).parent
BODY_LIMIT = 51_200
PATIENCE_S = 1800.0
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
STUCK = {
    "ROLLBACK_COMPLETE": "Its creation failed. Delete it and deploy again: {delete}",
    "ROLLBACK_FAILED": "Its creation failed. Delete it and deploy again: {delete}",
    "CREATE_FAILED": "Its creation failed. Delete it and deploy again: {delete}",
    "DELETE_FAILED": "It could not be deleted. Look at its events, then delete it again: {delete}",
    "REVIEW_IN_PROGRESS": "It is an empty stack of a change set. Delete it and deploy again: {delete}",
    "UPDATE_ROLLBACK_FAILED": "An update could not be taken back. Mend what its events name, then: {resume}",
}
RIGHTS = ("AccessDenied", "Unauthorized")
EXPIRED = ("ExpiredToken", "InvalidClientTokenId", "RequestExpired", "UnrecognizedClient", "SignatureDoesNotMatch")

Clients = Callable[[str], Any]
Say = Callable[[str], None]


class DeployError(Exception):
    """The stack could not be deployed; a sentence with what to do about it."""


@dataclass(frozen=True)
class Kind:
    stack: str
    template: Path


KINDS = {
    "hub": Kind("gatehouse-hub", HERE / "template.yaml"),
    "spoke": Kind("gatehouse-spoke", HERE / "spoke.yaml"),
}


def deploy(
    clients: Clients, kind: str, wanted: dict[str, str], bucket: str = "", say: Say = lambda _: None, pause: float = 2.0
) -> dict[str, str]:
    """Brings the stack to the template in this folder and these parameters; its outputs by name.

    `clients("s3")` makes a client of the right account and region. Looks every `pause` seconds how far it is.
    Raises DeployError.
    """
    stack, cloudformation = KINDS[kind], clients("cloudformation")
    before = described(cloudformation, stack.stack)
    if before is not None:
        check(before)
    place = placed(clients, stack.template, bucket, say)
    known = {p["ParameterKey"] for p in cloudformation.validate_template(**place)["Parameters"]}
    if unknown := sorted(set(wanted) - known):
        raise DeployError(f"The template has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known))}.")
    token = f"gatehouse-{uuid.uuid4()}"
    arguments = {
        **place,
        "StackName": stack.stack,
        "Parameters": parameters(known, wanted, before),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "ClientRequestToken": token,
    }
    say(f"{'creating' if before is None else 'updating'} {stack.stack}")
    try:
        (cloudformation.create_stack if before is None else cloudformation.update_stack)(**arguments)
    except ClientError as error:
        if before is None or "No updates are to be performed" not in str(error):
            raise
        say("nothing to change")
        return outputs_of(before)
    return settled(cloudformation, stack.stack, token, pause)


def described(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """The stack, or None if there is none of that name."""
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found


def check(stack: dict[str, Any]) -> None:
    """Raises DeployError for a stack that cannot be updated now."""
    name, status = stack["StackName"], stack["StackStatus"]
    if advice := STUCK.get(status):
        delete = f"aws cloudformation delete-stack --stack-name {name}"
        resume = f"aws cloudformation continue-update-rollback --stack-name {name}"
        raise DeployError(f"The stack {name} is {status}. {advice.format(delete=delete, resume=resume)}")
    if status.endswith("IN_PROGRESS"):
        raise DeployError(f"The stack {name} is {status}. Wait until that has ended, then deploy again.")


def parameters(known: set[str], wanted: dict[str, str], before: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What is wanted, and for the rest the values of last time."""
    kept = {p["ParameterKey"] for p in before.get("Parameters", [])} & known - set(wanted) if before else set()
    return [
        *({"ParameterKey": name, "ParameterValue": value} for name, value in sorted(wanted.items())),
        *({"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)),
    ]


def placed(clients: Clients, template: Path, bucket: str, say: Say) -> dict[str, str]:
    """How CloudFormation gets the template: TemplateBody, or TemplateURL after an upload."""
    body = template.read_bytes()
    if len(body) <= BODY_LIMIT and not bucket:
        return {"TemplateBody": body.decode()}
    account, s3 = clients("sts").get_caller_identity()["Account"], clients("s3")
    region = s3.meta.region_name
    bucket = bucket or made(s3, f"gatehouse-deploy-{account}-{region}", account, say)
    key = f"gatehouse/{template.stem}-{hashlib.sha256(body).hexdigest()[:16]}.yaml"
    say(f"uploading {template.name} ({len(body):,} bytes) to {bucket}")
    s3.put_object(Bucket=bucket, Key=key, Body=body, ExpectedBucketOwner=account)
    return {"TemplateURL": f"{s3.meta.endpoint_url.rstrip('/')}/{bucket}/{key}"}


def made(s3: Any, bucket: str, account: str, say: Say) -> str:
    """The bucket for templates, made if there is none. Raises ClientError if it is somebody else's."""
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
        return bucket
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
    say(f"making the bucket {bucket}")
    region = s3.meta.region_name
    # us-east-1 is the one region that must not be named.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **where)
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=closed)
    sealed = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=sealed)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(tls_only(f"arn:{s3.meta.partition}:s3:::{bucket}")))
    return bucket


def tls_only(arn: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NothingUnencrypted",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def outputs_of(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def settled(cloudformation: Any, name: str, token: str, pause: float) -> dict[str, str]:
    """Waits for the stack; its outputs. Raises DeployError with the reasons CloudFormation gives."""
    until = time.monotonic() + PATIENCE_S
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] in DONE:
            return outputs_of(stack)
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            break
        if time.monotonic() > until:
            raise DeployError(f"The stack {name} is still {stack['StackStatus']}. Look at its events in the console.")
        time.sleep(pause)
    reasons = "".join(f"\n  {reason}" for reason in failures(cloudformation, name, token)) or " no reason given"
    raise DeployError(f"The stack {name} ended {stack['StackStatus']}:{reasons}")


def failures(cloudformation: Any, name: str, token: str) -> list[str]:
    """What failed in this deployment, first things first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    events = [event for page in pages for event in page["StackEvents"]]
    ours = [event for event in events if event.get("ClientRequestToken") == token] or events
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        for event in reversed(ours)
        if event["ResourceStatus"].endswith("_FAILED")
    ]


def explained(error: Exception) -> str:
    """A sentence for what AWS or its client refused, with what to do."""
    if isinstance(error, NoCredentialsError):
        return "There are no AWS credentials. Name a profile (--profile, or PROFILE= with make) or sign in."
    if isinstance(error, NoRegionError):
        return "No region is given. Name one (--region, or REGION= with make)."
    if isinstance(error, ProfileNotFound):
        return f"{error}. `aws configure list-profiles` lists the ones there are."
    if isinstance(error, ClientError):
        code, words = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if any(part in code for part in EXPIRED):
            return f"AWS does not take these credentials ({code}). Sign in again (aws sso login) or check the profile."
        if code == "403" or any(part in code for part in RIGHTS):
            return (
                f"AWS refuses {error.operation_name} ({code}): {words} Deploy with a role that may manage "
                "CloudFormation, IAM, Lambda, KMS, SNS, SQS, DynamoDB, API Gateway, CloudWatch and a bucket."
            )
        return f"AWS refuses {error.operation_name} ({code}): {words}"
    return f"AWS cannot be reached: {error}"


def pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not Name=value")
    return name, value


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lambdas.deploy",
        description="Creates or updates Gatehouse's stack in one account and region, and prints its outputs.",
        epilog="docs/aws.md explains the parameters.",
    )
    parser.add_argument(
        "kind", nargs="?", choices=sorted(KINDS), default="hub", help="hub: the desk's own place; spoke: any other"
    )
    parser.add_argument("--profile", help="profile of the AWS CLI's configuration")
    parser.add_argument("--region", help="region to deploy into")
    parser.add_argument(
        "--parameter",
        metavar="NAME=VALUE",
        type=pair,
        action="append",
        default=[],
        help="a parameter of the template, as often as needed; one that is not named keeps its value",
    )
    parser.add_argument("--bucket", default="", help="bucket for the template, instead of one of its own")
    parser.add_argument("--endpoint-url", help="another address of AWS, such as the sandbox")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    given = arguments(argv)

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    try:
        session = boto3.Session(profile_name=given.profile or None, region_name=given.region or None)

        def clients(service: str) -> Any:
            return session.client(service, endpoint_url=given.endpoint_url)  # type: ignore[call-overload]

        outputs = deploy(clients, given.kind, dict(given.parameter), given.bucket, say)
    except DeployError as error:
        say(f"gatehouse: {error}")
        return 1
    except (ClientError, BotoCoreError) as error:
        say(f"gatehouse: {explained(error)}")
        return 1
    for name, value in sorted(outputs.items()):
        sys.stdout.write(f"{name:<20} {value}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
