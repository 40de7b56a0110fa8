"""What nobody may do in a tenant's account, decided as AWS would decide it."""

import pytest

from isolation.evaluation import decide
from isolation.policy import parse_policy
from isolation.principals import Kind, Principal
from isolation.targets import ANY_RESOURCE, Target
from tenancy.grants import PolicyKind, render
from tenancy.names import Names
from tenancy.organization import account_statements

NUMBER = "555555555555"
NAMES = Names("lakehouse", "prod", "222222222222", "us-east-1")
DEPLOY = "OrganizationAccountAccessRole"
ROLE = f"arn:aws:iam::{NUMBER}:role/{DEPLOY}"
OWNER = f"arn:aws:iam::{NUMBER}:role/owner"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{NUMBER}:trail/lakehouse-prod-initech"
BUCKET = "arn:aws:s3:::lakehouse-prod--initech--555555555555-data"
EVERYTHING = parse_policy(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
    "AdministratorAccess",
)
CONTROL = parse_policy(render(account_statements(NAMES, DEPLOY), PolicyKind.CONTROL), "control")


def may(arn: str, action: str, resource: str) -> bool:
    """Whether an administrator of a vended account may do it, the policy above them counted."""
    administrator = Principal(
        arn, Kind.ROLE, identity=(EVERYTHING,), guardrails=((EVERYTHING, CONTROL),)
    )
    return not decide(administrator, Target((resource,), NUMBER, actions=(action,))).isolated


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudtrail:StopLogging", TRAIL),
        ("cloudtrail:UpdateTrail", TRAIL),
        ("cloudtrail:DeleteTrail", TRAIL),
        ("cloudtrail:PutEventSelectors", TRAIL),
        ("s3:PutAccountPublicAccessBlock", ANY_RESOURCE),
        ("s3:PutBucketPublicAccessBlock", BUCKET),
        ("iam:UpdateAssumeRolePolicy", ROLE),
        ("iam:PutRolePolicy", ROLE),
    ],
)
def test_only_the_program_changes_trails_and_public_access(action: str, resource: str) -> None:
    assert not may(OWNER, action, resource)
    assert may(ROLE, action, resource)


def test_nobody_leaves_the_organization() -> None:
    assert not may(OWNER, "organizations:LeaveOrganization", ANY_RESOURCE)
    assert not may(ROLE, "organizations:LeaveOrganization", ANY_RESOURCE)


def test_all_else_is_decided_in_the_account() -> None:
    assert may(OWNER, "s3:PutBucketPolicy", BUCKET)
    assert may(OWNER, "cloudtrail:LookupEvents", ANY_RESOURCE)
    assert may(OWNER, "iam:PutRolePolicy", OWNER)
