from typing import Any

import pytest

from policies.fargate import RULE
from tests.policies.things import found, thing

TASK, SERVICE = "aws:ecs/taskDefinition:TaskDefinition", "aws:ecs/service:Service"


@pytest.mark.parametrize("given", [None, ["EC2"], ["EC2", "FARGATE"], ["EXTERNAL"]])
def test_a_task_that_may_run_elsewhere_is_told(given: list[str] | None) -> None:
    assert len(found(RULE, thing(TASK, requiresCompatibilities=given))) == 1


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"launchType": "EC2"},
        {"capacityProviderStrategies": [{"capacityProvider": "mine"}]},
        {"capacityProviderStrategies": [{"capacityProvider": p} for p in ("FARGATE", "mine")]},
    ],
)
def test_a_service_that_runs_elsewhere_is_told(inputs: dict[str, Any]) -> None:
    assert len(found(RULE, thing(SERVICE, **inputs))) == 1


def test_what_runs_on_fargate_passes() -> None:
    spot = [{"capacityProvider": provider} for provider in ("FARGATE", "FARGATE_SPOT")]
    assert found(RULE, thing(TASK, requiresCompatibilities=["FARGATE"])) == []
    assert found(RULE, thing(SERVICE, launchType="FARGATE")) == []
    assert found(RULE, thing(SERVICE, capacityProviderStrategies=spot)) == []
