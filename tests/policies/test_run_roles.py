from typing import Any

import pytest

from policies.run_roles import RULE
from tests.policies.things import found, policy, thing

PASSES = thing(
    "aws:iam/rolePolicy:RolePolicy",
    "daemon",
    policy=policy(Action="iam:PassRole", Resource="arn:aws:iam::1:role/lake/run/*"),
)


def role(path: str, **principal: str) -> dict[str, Any]:
    trust = policy(Action="sts:AssumeRole", Principal=principal)
    return thing("aws:iam/role:Role", "role", path=path, assumeRolePolicy=trust)


@pytest.mark.parametrize("path", ["/lake/run/", "/lake/run/deep/"])
def test_a_role_there_that_others_than_tasks_take_is_told(path: str) -> None:
    told = found(RULE, PASSES, role(path, AWS="arn:aws:iam::1:role/admin"))
    assert [name for name, _ in told] == ["role"]


def test_what_tasks_run_as_passes_and_so_does_what_lies_elsewhere() -> None:
    assert found(RULE, PASSES, role("/lake/run/", Service="ecs-tasks.amazonaws.com")) == []
    assert found(RULE, PASSES, role("/lake/", AWS="arn:aws:iam::1:role/admin")) == []
    assert found(RULE, role("/lake/run/", AWS="arn:aws:iam::1:role/admin")) == []
