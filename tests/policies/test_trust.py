import pytest

from policies.trust import RULE
from tests.policies.things import found, policy, thing

ROLE = "aws:iam/role:Role"


@pytest.mark.parametrize(
    "name",
    ["arn:aws:iam::111111111111:root", "111111111111", "arn:aws-us-gov:iam::111111111111:root"],
)
def test_trust_in_a_whole_account_is_told(name: str) -> None:
    trust = policy(Principal={"AWS": ["arn:aws:iam::111111111111:role/a", name]})
    ((_, fault),) = found(RULE, thing(ROLE, assumeRolePolicy=trust))
    assert name in fault


@pytest.mark.parametrize(
    "principal",
    [{"AWS": "arn:aws:iam::111111111111:role/a"}, {"Service": "ecs-tasks.amazonaws.com"}],
)
def test_trust_in_a_role_or_a_service_passes(principal: dict[str, str]) -> None:
    assert found(RULE, thing(ROLE, assumeRolePolicy=policy(Principal=principal))) == []


def test_a_policy_that_delegates_to_its_account_is_no_trust() -> None:
    key = policy(Principal={"AWS": "arn:aws:iam::111111111111:root"})
    assert found(RULE, thing("aws:kms/key:Key", policy=key)) == []
