"""The roles single sign-on would give the people of the demo, with what AWS's end-user policy allows."""

import json
from contextlib import suppress
from typing import Any

from sandbox.demo.people import REQUESTERS

# AWSServiceCatalogEndUserFullAccess lets end users read their stacks, the wait URL included (aws-facts §1.5).
READS = ("DescribeStacks", "DescribeStackEvents", "ListStackResources", "DescribeStackResources", "GetTemplateSummary")
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"},
        {"Effect": "Allow", "Action": [f"cloudformation:{read}" for read in READS], "Resource": "*"},
    ],
}


def ensure(iam: Any, account: str) -> None:
    """Make the roles that are not there yet; everybody in the account may assume them."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    for requester in REQUESTERS:
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=requester.role, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=requester.role, PolicyName="end-user", PolicyDocument=json.dumps(POLICY))
