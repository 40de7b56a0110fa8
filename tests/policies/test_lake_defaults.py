import pytest

from policies.lake_defaults import RULE
from tests.policies.things import found, thing

SETTINGS = "aws:lakeformation/dataLakeSettings:DataLakeSettings"
GRANT = "aws:lakeformation/permissions:Permissions"
OPEN = [{"permissions": ["ALL"], "principal": "IAM_ALLOWED_PRINCIPALS"}]


@pytest.mark.parametrize(
    "name", ["createDatabaseDefaultPermissions", "createTableDefaultPermissions"]
)
def test_open_defaults_are_told(name: str) -> None:
    ((_, fault),) = found(RULE, thing(SETTINGS, **{name: OPEN}))
    assert name in fault


def test_a_grant_to_everybody_is_told() -> None:
    assert len(found(RULE, thing(GRANT, principal="IAM_ALLOWED_PRINCIPALS"))) == 1


def test_closed_defaults_and_a_grant_to_a_role_pass() -> None:
    role = thing(GRANT, "grant", principal="arn:aws:iam::1:role/a")
    assert found(RULE, thing(SETTINGS, createTableDefaultPermissions=[]), role) == []
