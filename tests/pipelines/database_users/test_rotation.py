"""A rotation, from Secrets Manager's call to who may come into which database."""

import json
import threading
import uuid
from contextlib import suppress
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from localcloud.servers.postgresql import MASTER, PostgresqlServer
from pipelines.database_users.handler import Rotation, Settings
from pipelines.database_users.users import (
    MAINTENANCE,
    Login,
    Refused,
    Server,
    check_password,
    set_password,
)
from tenancy.database_names import database_name, logins, removal
from tests.pipelines.database_users.conftest import PREFIX, STEPS, SecretsManager

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("rotation")]

NOT_ALLOWED, WRONG_PASSWORD = "42501", "28P01"  # PostgreSQL, "Error codes"


def owner() -> str:
    """Nobody's yet: the server outlives a test."""
    return f"t{uuid.uuid4().hex[:12]}"


def sql(server: Server, value: dict[str, Any], statement: str, database: str | None = None) -> Any:
    where = database or value["dbname"]
    with server.connect(value["username"], value["password"], where) as connection:
        return connection.run(statement)


def refusal(
    server: Server, value: dict[str, Any], statement: str, database: str | None = None
) -> str:
    with pytest.raises(DatabaseError) as refused:
        sql(server, value, statement, database)
    code: str = refused.value.args[0]["C"]
    return code


def test_the_first_rotation_makes_the_user_and_its_database(
    secrets_manager: SecretsManager, server: Server
) -> None:
    tenant = owner()
    name = secrets_manager.secret(tenant)
    secrets_manager.rotate(name)
    value = secrets_manager.value(name)
    assert set(value) == {"username", "password", "host", "port", "dbname"}
    assert (value["host"], value["port"]) == (server.host, server.port)
    assert value["dbname"] == f"nessie_{tenant}"
    who = sql(server, value, "SELECT session_user, current_user, current_database()")
    assert who == [[value["username"], value["dbname"], value["dbname"]]]
    sql(server, value, "CREATE TABLE refs (name text)")
    sql(server, value, "INSERT INTO refs VALUES ('main')")
    assert sql(server, value, "SELECT * FROM refs") == [["main"]]


def test_no_user_comes_into_anothers_database_nor_any_other(
    secrets_manager: SecretsManager, server: Server
) -> None:
    tenant = owner()
    # Another tenant, another service of the same one, and the platform.
    names = [
        secrets_manager.secret(tenant),
        secrets_manager.secret(owner()),
        secrets_manager.secret(tenant, "dagster"),
        secrets_manager.secret("platform", "dagster"),
    ]
    for name in names:
        secrets_manager.rotate(name)
    values = [secrets_manager.value(name) for name in names]
    for value in values:
        sql(server, value, "CREATE TABLE IF NOT EXISTS secret_of_its_own (x int)")
        for database in [other["dbname"] for other in values if other is not value] + [
            "postgres",
            "template1",
        ]:
            assert refusal(server, value, "SELECT 1", database) == NOT_ALLOWED
    for value in values:
        for other in values:
            if other is not value:
                become = f"SET ROLE {other['dbname']}"
                assert refusal(server, value, become) == NOT_ALLOWED


def test_no_user_may_open_its_database_to_another_or_make_users(
    secrets_manager: SecretsManager, server: Server
) -> None:
    one, other = secrets_manager.secret(owner()), secrets_manager.secret(owner())
    for name in (one, other):
        secrets_manager.rotate(name)
    value, database = secrets_manager.value(one), secrets_manager.value(other)["dbname"]
    sql(server, value, f"GRANT CONNECT ON DATABASE {value['dbname']} TO {database}")  # a warning
    stranger = secrets_manager.value(other)
    assert refusal(server, stranger, "SELECT 1", value["dbname"]) == NOT_ALLOWED
    for statement in (
        "CREATE ROLE friend LOGIN",
        "CREATE DATABASE more",
        f"ALTER DATABASE {value['dbname']} OWNER TO {database}",
        f"DROP DATABASE {database}",
        f"ALTER ROLE {database} LOGIN PASSWORD 'x'",
    ):
        assert refusal(server, value, statement) == NOT_ALLOWED


def test_a_password_holds_until_the_rotation_after_the_next(
    secrets_manager: SecretsManager, server: Server
) -> None:
    name = secrets_manager.secret(owner())
    values = []
    for _ in range(3):
        secrets_manager.rotate(name)
        values.append(secrets_manager.value(name))
        if len(values) == 2:
            assert [sql(server, value, "SELECT 1") for value in values] == [[[1]], [[1]]]
    first, second, third = values
    assert first["username"] == third["username"] != second["username"]
    assert len({value["password"] for value in values}) == 3
    assert refusal(server, first, "SELECT 1") == WRONG_PASSWORD
    assert [sql(server, value, "SELECT 1") for value in (second, third)] == [[[1]], [[1]]]


def test_what_one_login_makes_the_other_owns_too(
    secrets_manager: SecretsManager, server: Server
) -> None:
    name = secrets_manager.secret(owner())
    secrets_manager.rotate(name)
    sql(server, secrets_manager.value(name), "CREATE TABLE refs (name text)")
    secrets_manager.rotate(name)
    sql(server, secrets_manager.value(name), "ALTER TABLE refs ADD COLUMN hash text")
    sql(server, secrets_manager.value(name), "DROP TABLE refs")


def test_every_step_may_be_asked_for_again(secrets_manager: SecretsManager, server: Server) -> None:
    name = secrets_manager.secret(owner())
    for _ in range(2):
        token = secrets_manager.begin(name)
        for step in STEPS:
            for _ in range(2):
                secrets_manager.ask(name, token, step)
        value = secrets_manager.value(name)
        for step in STEPS:
            secrets_manager.ask(name, token, step)
        assert secrets_manager.value(name) == value
        assert sql(server, value, "SELECT 1") == [[1]]


def test_a_first_version_that_is_current_from_the_start_is_made_all_the_same(
    secrets_manager: SecretsManager, server: Server
) -> None:
    name = secrets_manager.secret(owner())
    token = secrets_manager.begin(name)
    secrets_manager.ask(name, token, "createSecret")
    secrets_manager.stored(name).versions[token]["version_stages"].append("AWSCURRENT")
    for step in STEPS[1:]:
        secrets_manager.ask(name, token, step)
    assert sql(server, secrets_manager.value(name), "SELECT 1") == [[1]]


class Cut(Exception):
    pass


def test_cut_short_after_any_statement_it_lets_nobody_in_and_ends_well_when_asked_again(
    secrets_manager: SecretsManager, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = secrets_manager.secret(owner())
    secrets_manager.rotate(stranger)
    run, allowed, left = Connection.run, 0, 0

    def cut_short(self: Connection, *statement: Any, **given: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Cut
        left -= 1
        return run(self, *statement, **given)

    while True:
        name = secrets_manager.secret(owner())
        token = secrets_manager.begin(name)
        secrets_manager.ask(name, token, "createSecret")
        left = allowed
        with monkeypatch.context() as patched, suppress(Cut):
            patched.setattr(Connection, "run", cut_short)
            secrets_manager.ask(name, token, "setSecret")
        database = name.replace(f"{PREFIX}/", "nessie_").removesuffix("/nessie")
        with pytest.raises(DatabaseError):
            sql(server, secrets_manager.value(stranger), "SELECT 1", database)
        for step in STEPS[1:]:
            secrets_manager.ask(name, token, step)
        assert sql(server, secrets_manager.value(name), "SELECT 1") == [[1]]
        if left > 0:
            break
        allowed += 1
    assert allowed >= 10


@pytest.mark.parametrize("broken", ["put_secret_value", "update_secret_version_stage"])
def test_where_secrets_manager_fails_the_next_try_goes_on(
    secrets_manager: SecretsManager, server: Server, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    name = secrets_manager.secret(owner())
    secrets_manager.rotate(name)
    before, token = secrets_manager.value(name), secrets_manager.begin(name)

    class Flaky:
        def __getattr__(self, call: str) -> Any:
            if call == broken:
                raise Cut
            return getattr(secrets_manager.client, call)

    def run(step: str) -> None:
        Rotation(Flaky(), settings(server), name, token).run(step)

    failing = "createSecret" if broken == "put_secret_value" else "finishSecret"
    for step in STEPS[: STEPS.index(failing)]:
        run(step)
    with pytest.raises(Cut):
        run(failing)
    assert sql(server, secrets_manager.value(name), "SELECT 1") == [[1]]
    for step in STEPS:
        secrets_manager.ask(name, token, step)
    value = secrets_manager.value(name)
    assert value["username"] != before["username"]
    assert sql(server, value, "SELECT 1") == [[1]]


def settings(server: Server) -> Settings:
    return Settings(server, "rds!db-1", f"{PREFIX}/", ("nessie", "dagster"))


@pytest.mark.parametrize(
    "changed",
    [
        {"Name": "other-prod/acme/nessie"},
        {"Name": f"{PREFIX}/acme/api-key"},
        {"Name": f"{PREFIX}/nessie"},
        {"Tags": [{"Key": "tenant", "Value": "globex"}]},
        {"Tags": []},
    ],
    ids=["of another environment", "of no service", "of nobody", "of another tenant", "untagged"],
)
def test_a_secret_that_is_not_a_users_is_refused_and_left_alone(
    secrets_manager: SecretsManager, changed: dict[str, Any]
) -> None:
    name = secrets_manager.secret("acme", **changed)
    token = secrets_manager.begin(name)
    for step in STEPS:
        with pytest.raises(Refused, match="not the secret of a user"):
            secrets_manager.ask(name, token, step)
    assert "secret_string" not in secrets_manager.stored(name).versions[token]


def test_a_secret_of_a_platform_tenant_is_refused_by_a_hard_tenants_function(
    secrets_manager: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_PREFIX", f"{PREFIX}/initech/")
    name = secrets_manager.secret("acme")
    with pytest.raises(Refused, match="not the secret of a user"):
        secrets_manager.ask(name, secrets_manager.begin(name), "createSecret")


def test_a_rotation_that_nobody_began_is_refused(secrets_manager: SecretsManager) -> None:
    name = secrets_manager.secret(owner())
    with pytest.raises(Refused, match="no version"):
        secrets_manager.ask(name, str(uuid.uuid4()), "createSecret")
    token = secrets_manager.begin(name)
    with pytest.raises(Refused, match="no step"):
        secrets_manager.ask(name, token, "deleteSecret")
    secrets_manager.stored(name).rotation_requested = False
    secrets_manager.stored(name).rotation_enabled = False
    with pytest.raises(Refused, match="not rotated"):
        secrets_manager.ask(name, token, "createSecret")


@pytest.mark.parametrize(
    "changed",
    [{"host": "elsewhere"}, {"dbname": "nessie_platform"}, {"username": MASTER}],
    ids=["another server", "another database", "the master"],
)
def test_a_value_that_somebody_else_wrote_is_not_carried_out(
    secrets_manager: SecretsManager, changed: dict[str, Any]
) -> None:
    name = secrets_manager.secret(owner())
    token = secrets_manager.begin(name)
    secrets_manager.ask(name, token, "createSecret")
    version = secrets_manager.stored(name).versions[token]
    version["secret_string"] = json.dumps(json.loads(version["secret_string"]) | changed)
    with pytest.raises(Refused):
        secrets_manager.ask(name, token, "setSecret")


def test_a_user_is_never_the_master(server: Server) -> None:
    database = database_name("acme", "nessie")
    for master in (database, *logins(database)):
        with pytest.raises(Refused, match="master"):
            set_password(server, master, "x", Login(database, logins(database)[0], "y"))


def test_what_a_receipt_tells_to_run_leaves_neither_database_nor_users(
    postgresql: PostgresqlServer, server: Server
) -> None:
    database = database_name(owner(), "nessie")
    for login in logins(database):
        set_password(server, MASTER, postgresql.password, Login(database, login, "password"))
    with server.connect(MASTER, postgresql.password, MAINTENANCE) as connection:
        for statement in removal(database):
            connection.run(statement)
        assert not connection.run(f"SELECT FROM pg_database WHERE datname = '{database}'")
        assert not connection.run(f"SELECT FROM pg_roles WHERE rolname LIKE '{database}%'")


def test_strange_names_are_quoted(postgresql: PostgresqlServer, server: Server) -> None:
    database = f'odd "{owner()}"; DROP ROLE master; --'
    login = Login(database, logins(database)[0], "password")
    set_password(server, MASTER, postgresql.password, login)
    check_password(server, login)


def test_many_first_rotations_at_once_all_end_well(
    postgresql: PostgresqlServer, server: Server
) -> None:
    made = [Login(name, logins(name)[0], "password") for name in (owner() for _ in range(6))]
    failures: list[Exception] = []

    def make(login: Login) -> None:
        try:
            set_password(server, MASTER, postgresql.password, login)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=make, args=(login,)) for login in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for login in made:
        check_password(server, login)


def test_no_statement_holds_a_password(
    postgresql: PostgresqlServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = Connection.run, []

    def listen(self: Connection, statement: str, **given: Any) -> Any:
        said.append(f"{statement} {given}")
        return run(self, statement, **given)

    monkeypatch.setattr(Connection, "run", listen)
    database = owner()
    login = Login(database, logins(database)[0], "a-password-to-look-for")
    set_password(server, MASTER, postgresql.password, login)
    assert any("SCRAM-SHA-256$" in statement for statement in said)
    assert not any(login.password in statement for statement in said)
