import pytest

from isolation.graph import UNKNOWN
from policies.boundary import RULE
from tests.policies.things import found, thing

ROLE = "aws:iam/role:Role"


def test_a_role_without_a_boundary_is_told() -> None:
    assert found(RULE, thing(ROLE)) == [("thing", "has no permissions boundary")]


@pytest.mark.parametrize("boundary", ["arn:aws:iam::1:policy/b", UNKNOWN])
def test_a_role_with_one_passes_also_where_it_is_not_known_yet(boundary: str) -> None:
    assert found(RULE, thing(ROLE, permissionsBoundary=boundary)) == []


def test_a_service_linked_role_can_have_none() -> None:
    assert found(RULE, thing(ROLE, path="/aws-service-role/ecs.amazonaws.com/")) == []
