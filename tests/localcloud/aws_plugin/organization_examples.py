"""Examples of what an organization has."""

from __future__ import annotations

import json

from localcloud.aws_plugin.cloud import Cloud
from localcloud.emulator import organization
from tests.localcloud.aws_plugin.resource_examples import ACCOUNT, TAGS, Example, Made, of, policy


def root(cloud: Cloud, made: Made) -> str:
    """The root of the organization, which is founded if it is not there."""
    organization.found(ACCOUNT)
    return organization.ROOT


deny = policy(Effect="Deny", Action=["organizations:LeaveOrganization"], Resource="*")
unit = Example(
    "aws:organizations/organizationalUnit:OrganizationalUnit",
    {"name": "tenants", "parentId": root, "tags": TAGS},
    {"name": "customers"},
)
account = Example(
    "aws:organizations/account:Account",
    {
        "name": "lake--acme",
        "email": "aws+acme@lake.example",
        "parentId": of(0),
        "roleName": "OrganizationAccountAccessRole",
        "closeOnDeletion": False,
        "tags": TAGS,
    },
    {"parentId": organization.ROOT},
    (unit,),
)
guardrail = Example(
    "aws:organizations/policy:Policy",
    {"name": "tenants", "content": deny, "description": "what none may do", "tags": TAGS},
    {"content": json.dumps({**json.loads(deny), "Id": "second"}), "description": "what nobody may"},
    (unit,),
)
ORGANIZATIONS = (
    unit,
    guardrail,
    Example(
        "aws:organizations/policyAttachment:PolicyAttachment",
        {"policyId": of(0), "targetId": of(1)},
        needs=(guardrail, unit),
    ),
    account,
    Example(
        "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
        {"accountId": ACCOUNT, "blockPublicAcls": True, "blockPublicPolicy": True},
        {"restrictPublicBuckets": True},
    ),
)
