"""What controls an account is nobody's but the platform's: identities, who vouches for them, and
what governs data.
"""

import pytest

from isolation.proof import prove
from isolation.verdict import Answer
from tests.isolation.small import ACCOUNT, LAKE, allow, bucket, graph, platform, tenant

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
