"""The role and the bucket the demo's worker publishes with. On AWS the hub makes them (AllowPublishing), for a worker
with a role of its own; the demo's worker is the account itself."""

import json
from contextlib import suppress
from typing import Any

from sandbox.demo.catalogue import ClientFactory
from sandbox.demo.people import ACCOUNT, REGION

ROLE = f"gatehouse-publisher-{REGION}"
BUCKET = f"gatehouse-gated-{ACCOUNT}-{REGION}"


def prepare(client: ClientFactory) -> dict[str, str]:
    """Make what is not there yet; the settings that switch publishing on."""
    iam, s3 = client("iam"), client("s3")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(
        RoleName=ROLE,
        PolicyName="publish",
        PolicyDocument=_policy(
            {"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]},
        ),
    )
    if BUCKET not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
        s3.create_bucket(Bucket=BUCKET, **({} if REGION == "us-east-1" else elsewhere))
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return {
        "GATEHOUSE_PUBLISHER_ROLE": f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
        "GATEHOUSE_TEMPLATE_BUCKET": BUCKET,
    }


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
