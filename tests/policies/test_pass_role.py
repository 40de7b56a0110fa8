from typing import Any

import pytest

from policies.pass_role import RULE
from tests.policies.things import found, policy, thing

GRANTS = "aws:iam/rolePolicy:RolePolicy"


@pytest.mark.parametrize("action", ["iam:PassRole", "IAM:passrole", "iam:Pass*", "iam:*", "*"])
@pytest.mark.parametrize(
    "resource", ["*", "arn:aws:iam::*:role/*", "arn:aws-us-gov:iam::*:role/*", "arn:*:iam::*:*"]
)
def test_passing_any_role_is_told(action: str, resource: str) -> None:
    document = policy(Action=["s3:GetObject", action], Resource=resource)
    assert len(found(RULE, thing(GRANTS, policy=document))) == 1


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "iam:PassRole", "Resource": "arn:aws:iam::1:role/run/*"},
        {"Action": "s3:GetObject", "Resource": "*"},
        {"Action": "iam:PassRole", "Resource": "*", "Effect": "Deny"},
    ],
)
def test_passing_named_roles_passes(statement: dict[str, Any]) -> None:
    assert found(RULE, thing(GRANTS, policy=policy(**statement))) == []
