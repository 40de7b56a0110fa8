"""Secrets: deleted with patience, never public where that is forbidden, rotated by whom may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from tests.localcloud.aws_plugin.resource_examples import Example, policy
from tests.localcloud.aws_plugin.service_examples import SERVICES, secret
from tests.localcloud.aws_plugin.test_life import make, ready

ROTATION = next(one for one in SERVICES if one.token.endswith(":SecretRotation"))
POLICY = next(one for one in SERVICES if one.token.endswith(":SecretPolicy"))


def with_inputs(example: Example, **more: Any) -> Example:
    return replace(example, inputs={**example.inputs, **more})


@pytest.mark.parametrize(("days", "wrong"), [(0, 0), (7, 0), (30, 0), (1, 1), (31, 1)])
def test_the_recovery_window_is_seven_to_thirty_days_or_none(days: int, wrong: int) -> None:
    problems = handler(secret.token).check({"name": "x", "recoveryWindowInDays": days})
    assert len(problems) == wrong


def test_a_secret_that_waits_for_its_deletion_is_gone_and_keeps_its_name(cloud: Cloud) -> None:
    patient = with_inputs(secret, recoveryWindowInDays=7)
    arn, state = make(cloud, patient)
    handler(secret.token).remove(cloud, arn, state)
    assert handler(secret.token).read(cloud, arn, state) is None
    cloud.client("secretsmanager").describe_secret(SecretId=arn)
    with pytest.raises(ResourceError, match="scheduled for deletion"):
        make(cloud, patient)


def test_a_policy_of_its_own_is_no_drift_of_the_secret(cloud: Cloud) -> None:
    resource = handler(secret.token)
    arn, before = make(cloud, secret)
    make(cloud, POLICY)
    assert resource.settle(cloud, resource.read(cloud, arn, before) or {}, before) == before


def test_a_public_policy_is_blocked_where_it_was_asked_for(cloud: Cloud) -> None:
    public = policy(
        Effect="Allow", Principal="*", Action="secretsmanager:GetSecretValue", Resource="*"
    )
    with pytest.raises(ClientError, match="PublicPolicyException"):
        make(cloud, with_inputs(POLICY, policy=public))
    make(cloud, with_inputs(POLICY, policy=public, blockPublicPolicy=False))


def test_rotation_needs_a_function_that_may_be_called(cloud: Cloud) -> None:
    rotation = ready(cloud, ROTATION)
    functions: Any = cloud.client("lambda")
    functions.remove_permission(FunctionName="rotate", StatementId="rotation")
    with pytest.raises(ClientError, match="cannot invoke"):
        make(cloud, rotation)
    functions.delete_function(FunctionName="rotate")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        make(cloud, rotation)


def test_rotation_is_set_up_and_touches_no_value(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    identifier, state = make(cloud, ROTATION)
    assert state["rotationEnabled"] is True
    assert "VersionIdsToStages" not in secrets.describe_secret(SecretId=identifier)
    secrets.put_secret_value(SecretId=identifier, SecretString="x")
    handler(ROTATION.token).update(
        cloud,
        identifier,
        state,
        {**state, "rotationRules": {"automaticallyAfterDays": 7}},
        state,
    )
    assert secrets.get_secret_value(SecretId=identifier)["SecretString"] == "x"


def test_rotation_has_one_rule() -> None:
    for rules, wrong in (({}, 1), ({"automaticallyAfterDays": 1}, 0)):
        inputs = {"secretId": "s", "rotationLambdaArn": "l", "rotationRules": rules}
        assert len(handler(ROTATION.token).check(inputs)) == wrong
