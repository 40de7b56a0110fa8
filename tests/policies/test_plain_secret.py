import pytest

from policies.plain_secret import RULE
from tests.policies.things import containers, found, thing

TASK = "aws:ecs/taskDefinition:TaskDefinition"
FUNCTION = "aws:lambda/function:Function"


@pytest.mark.parametrize("name", ["DB_PASSWORD", "quarkus.datasource.password", "API_KEY", "token"])
def test_a_secret_in_a_variable_is_told_but_never_its_value(name: str) -> None:
    for entry in (
        thing(TASK, containerDefinitions=containers(**{name: "hunter2"})),
        thing(FUNCTION, environment={"variables": {name: "hunter2"}}),
    ):
        ((_, fault),) = found(RULE, entry)
        assert name in fault
        assert "hunter2" not in fault


def test_a_databases_password_is_told() -> None:
    kind = "aws:rds/instance:Instance"
    ((_, fault),) = found(RULE, thing(kind, password="hunter2"))
    assert "hunter2" not in fault
    assert found(RULE, thing(kind, manageMasterUserPassword=True)) == []


def test_other_variables_pass() -> None:
    plain = containers(
        HOST="db",
        DB_SECRET="arn:aws:secretsmanager:::secret:a",
        TOKEN_ISSUER="https://id.example.com",
    )
    assert found(RULE, thing(TASK, containerDefinitions=plain)) == []
