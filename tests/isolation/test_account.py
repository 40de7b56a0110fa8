"""What controls an account is nobody's but the platform's: identities, who vouches for them, and
what governs data.
"""

import pytest

from isolation.proof import prove
from isolation.verdict import Answer
from tests.isolation.small import (
    ACCOUNT,
    LAKE,
    OTHER,
    REGION,
    allow,
    bucket,
    graph,
    platform,
    tenant,
)

OWN = allow("s3:GetObject", f"{LAKE}/acme/*")


@pytest.mark.parametrize(
    "action",
    [
        "iam:AttachUserPolicy",
        "iam:CreateAccessKey",
        "iam:CreateLoginProfile",
        "iam:CreatePolicyVersion",
        "iam:CreateSAMLProvider",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateOpenIDConnectProviderThumbprint",
        "iam:UpdateSAMLProvider",
        "lakeformation:GrantPermissions",
        "lakeformation:UpdateLFTagExpression",
        "organizations:DetachPolicy",
        "ram:CreateResourceShare",
    ],
)
def test_a_tenant_controls_nothing_of_its_account(action: str) -> None:
    given = graph(platform(*bucket("lake")), tenant("acme", OWN, allow(action)), tenant("globex"))
    verdict = prove(given)
    assert verdict.answer is Answer.VIOLATED
    assert {one.tenant for one in verdict.counterexamples} == {"acme"}
    assert any(one.action.lower() == action.lower() for one in verdict.counterexamples)


@pytest.mark.parametrize("action", ["iam:GetRole", "iam:ListRoles", "sts:GetCallerIdentity"])
def test_to_look_at_identities_is_no_control(action: str) -> None:
    looks = allow(action, f"arn:aws:iam::{ACCOUNT}:role/unclaimed" if "Get" in action else "*")
    given = graph(platform(*bucket("lake")), tenant("acme", OWN, looks), tenant("globex"))
    assert prove(given).answer is Answer.PROVEN


CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/of-platform"
DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:of-platform"


@pytest.mark.parametrize(
    ("action", "resource", "answer"),
    [
        ("ecs:ExecuteCommand", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/*", Answer.VIOLATED),
        ("ecs:StopTask", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/of-platform/x", Answer.VIOLATED),
        ("ecs:StopTask", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/of-acme/*", Answer.PROVEN),
        ("rds-db:connect", f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:*/root", Answer.VIOLATED),
        ("rds-db:connect", f"arn:aws:rds-db:{REGION}:{OTHER}:dbuser:*/root", Answer.PROVEN),
    ],
)
def test_what_has_arns_of_its_own_belongs_to_what_it_is_in(
    action: str, resource: str, answer: Answer
) -> None:
    """The tasks of a cluster have their roles' credentials; a database has users."""
    given = graph(
        platform(*bucket("lake"), owns=(LAKE, CLUSTER, DATABASE)),
        tenant("acme", OWN, allow(action, resource)),
        tenant("globex"),
    )
    assert prove(given).answer is answer
