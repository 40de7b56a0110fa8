from typing import Any

import pytest

from policies.wildcard_principal import RULE
from tests.policies.things import found, policy, thing

BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"


@pytest.mark.parametrize(
    "statement",
    [{"Principal": "*"}, {"Principal": {"AWS": ["arn", "*"]}}, {"NotPrincipal": {"AWS": "arn"}}],
)
def test_who_allows_everybody_is_told(statement: dict[str, Any]) -> None:
    ((name, fault),) = found(RULE, thing(BUCKET_POLICY, policy=policy(Sid="Open", **statement)))
    assert name == "thing"
    assert "everybody" in fault
    assert "statement Open" in fault


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"AWS": "arn:aws:iam::1:role/a"}},
        {"Principal": "*", "Effect": "Deny"},
        {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_a_name_a_deny_or_a_condition_passes(statement: dict[str, Any]) -> None:
    assert found(RULE, thing(BUCKET_POLICY, policy=policy(**statement))) == []


def test_an_endpoints_policy_names_everybody_and_only_limits() -> None:
    endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"
    assert found(RULE, thing(endpoint, policy=policy(Principal="*"))) == []
