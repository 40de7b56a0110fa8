"""The rendered configuration, loaded by the real Nessie server: who may do what in it."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import pytest
import requests

from localcloud.errors import LocalCloudError
from localcloud.servers.nessie import IN_MEMORY, NessieServer, nessie_server
from localcloud.servers.postgresql import HOST, MASTER, postgresql_server
from pipelines.database_users.users import Login, Server, set_password
from tenancy.database_names import database_name, logins
from tenancy.estate import StackPlan
from tenancy.names import RoleKind, ServiceKind
from tenancy.nessie import (
    DATABASE_URL,
    MANAGEMENT_PORT,
    NESSIE_HEALTH_PATH,
    SHARED_WAREHOUSE,
    groups,
    jdbc_url,
    nessie_task,
)
from tenancy.services import TaskSpec
from tenancy.settings import OwnNessie, SharedNessie
from tests.integration.catalogs import PATIENCE, Catalog, refused
from tests.integration.signed import ISSUER, bearer, signed_estate, wrong_tokens

pytestmark = pytest.mark.xdist_group("nessie")

WRONG = {"none": None, **wrong_tokens(ISSUER, groups("acme", RoleKind.WRITER))}


@dataclass(frozen=True)
class Nessie:
    """A running server and the task that it was rendered for."""

    server: NessieServer
    task: TaskSpec

    def call(self, method: str, path: str, token: str | None, **given: Any) -> requests.Response:
        return Catalog(self.server.url).call(method, path, token, **given)

    def create_namespace(
        self, token: str, *elements: str, warehouse: str = SHARED_WAREHOUSE
    ) -> requests.Response:
        return self.call(
            "POST",
            f"/iceberg/v1/main%7C{warehouse}/namespaces",
            token,
            json={"namespace": elements, "properties": {}},
        )

    def see_namespace(
        self, token: str, *elements: str, warehouse: str = SHARED_WAREHOUSE
    ) -> requests.Response:
        path = "%1F".join(elements)
        return self.call("GET", f"/iceberg/v1/main%7C{warehouse}/namespaces/{path}", token)

    def commit(self, token: str, branch: str, *elements: str) -> requests.Response:
        """Put a namespace by Nessie's own API."""
        head = self.call("GET", f"/api/v2/trees/{branch}", token).json()["reference"]["hash"]
        put = {
            "type": "PUT",
            "key": {"elements": elements},
            "content": {"type": "NAMESPACE", "elements": elements},
        }
        return self.call(
            "POST",
            f"/api/v2/trees/{branch}@{head}/history/commit",
            token,
            json={"commitMeta": {"message": "put"}, "operations": [put]},
        )

    def create_branch(self, token: str, name: str) -> requests.Response:
        main = self.call("GET", "/api/v2/trees/main", bearer("acme", RoleKind.WRITER)).json()
        return self.call(
            "POST",
            "/api/v2/trees",
            token,
            params={"name": name, "type": "BRANCH"},
            json=main["reference"],
        )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> StackPlan:
    # Beside acme, one whose id starts with its own, and one whose id has a hyphen.
    return signed_estate(tmp_path_factory.mktemp("estate"), "acme2", "acme-etl")


def run(task: TaskSpec, log: Path) -> Iterator[Nessie]:
    """With what the task says, and the database in memory, which is not asked of the task."""
    deployed = {
        DATABASE_URL: jdbc_url("database.example.com", 5432, "nessie"),
        **dict.fromkeys(task.secrets, "secret"),
    }
    with nessie_server({**task.environment, **deployed, **IN_MEMORY}, log) as server:
        yield Nessie(server, task)


@pytest.fixture(scope="module")
def shared(stack: StackPlan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nessie]:
    """The one of the soft tenants, in which each has made its namespace."""
    tenants = [each for each in stack.tenants if isinstance(each.nessie, SharedNessie)]
    task = nessie_task(None, stack.names, stack.environment)
    for nessie in run(task, tmp_path_factory.mktemp("shared") / "nessie.log"):
        for settings in tenants:
            writer = bearer(settings.id, RoleKind.WRITER)
            assert nessie.create_namespace(writer, settings.id).status_code == 200
        yield nessie


@pytest.fixture(scope="module")
def own(stack: StackPlan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nessie]:
    """The medium tenant's, globex."""
    (globex,) = (each for each in stack.tenants if isinstance(each.nessie, OwnNessie))
    task = nessie_task(globex, stack.names, stack.environment)
    yield from run(task, tmp_path_factory.mktemp("own") / "nessie.log")


def test_the_version_store_is_a_postgresql_whose_certificate_is_checked(
    stack: StackPlan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (globex,) = (each for each in stack.tenants if isinstance(each.nessie, OwnNessie))
    task = nessie_task(globex, stack.names, stack.environment)
    log = tmp_path_factory.mktemp("stored") / "nessie.log"
    # Not below pytest's own folder, which the server's user may not enter.
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        Path(folder).chmod(0o711)
        database = running.enter_context(postgresql_server(Path(folder) / "postgresql"))
        name = database_name("globex", ServiceKind.NESSIE)
        user, password = logins(name)[0], "not-a-secret"
        set_password(
            Server(HOST, database.port, database.authority),
            MASTER,
            database.password,
            Login(name, user, password),
        )

        def deployed(authority: Path) -> dict[str, str]:
            return {
                DATABASE_URL: jdbc_url(HOST, database.port, name, str(authority)),
                "quarkus.datasource.postgresql.username": user,
                "quarkus.datasource.postgresql.password": password,
            }

        with nessie_server({**task.environment, **deployed(database.authority)}, log) as server:
            nessie = Nessie(server, task)
            writer = bearer("globex", RoleKind.WRITER)
            made = nessie.create_namespace(writer, "globex", warehouse="globex")
            assert made.status_code == 200
            assert "Selected datasource: postgresql" in log.read_text()
        public = Path(certifi.where())  # they do not vouch for this server
        with (
            pytest.raises(LocalCloudError),
            nessie_server({**task.environment, **deployed(public)}, log.with_name("refused.log")),
        ):
            pass
        assert "unable to find valid certification path" in log.with_name("refused.log").read_text()


def test_the_server_knows_every_property_that_it_is_given(shared: Nessie, own: Nessie) -> None:
    for nessie in (shared, own):
        log = nessie.server.log.read_text()
        assert "Using JDBC2 version store" in log
        assert "Using Nessie CEL Authorizer" in log
        assert "Unrecognized configuration key" not in log


def test_the_health_command_of_the_task_holds_while_the_server_is_well(shared: Nessie) -> None:
    command = [
        part.replace(f"/{MANAGEMENT_PORT}", f"/{shared.server.management_port}")
        for part in shared.task.health_command
    ]
    assert subprocess.run(command, check=False, timeout=PATIENCE).returncode == 0
    wrong = [part.replace("/q/health/ready", "/nothing") for part in command]
    assert subprocess.run(wrong, check=False, timeout=PATIENCE).returncode != 0


def test_what_the_load_balancer_asks_answers_without_a_token(own: Nessie) -> None:
    assert own.call("GET", NESSIE_HEALTH_PATH, None).status_code == 200


@pytest.mark.parametrize("token", WRONG.values(), ids=list(WRONG))
@pytest.mark.parametrize(
    "path", [f"/iceberg/v1/config?warehouse={SHARED_WAREHOUSE}", "/api/v2/trees"]
)
def test_nobody_gets_in_without_a_valid_token(shared: Nessie, token: str | None, path: str) -> None:
    assert shared.call("GET", path, token).status_code == 401


def test_a_token_without_a_tenants_group_sees_nothing(shared: Nessie) -> None:
    for token in (
        ISSUER.token(),
        ISSUER.token("acme"),
        ISSUER.token("acme--writer"),
        ISSUER.token("acme2", "acme--writer"),
        ISSUER.token("writer", "acme", "acme--owner"),
        ISSUER.token("acme", "acme2--writer"),
    ):
        assert shared.call("GET", "/api/v2/trees", token).json()["references"] == []
        assert refused(shared.call("GET", "/api/v2/trees/main/entries", token))
        assert refused(shared.see_namespace(token, "acme"))


@pytest.mark.parametrize("kind", [RoleKind.WRITER, RoleKind.ADMIN, RoleKind.RUN])
def test_who_writes_makes_and_sees_what_is_in_its_own_namespace(
    shared: Nessie, kind: RoleKind
) -> None:
    token = bearer("acme", kind)
    assert shared.create_namespace(token, "acme", f"by_{kind}").status_code == 200
    seen = shared.see_namespace(token, "acme", f"by_{kind}")
    assert seen.json()["namespace"] == ["acme", f"by_{kind}"]


def test_a_reader_sees_and_writes_nothing(shared: Nessie) -> None:
    reader = bearer("acme", RoleKind.READER)
    assert shared.see_namespace(reader, "acme").status_code == 200
    assert refused(shared.create_namespace(reader, "acme", "new"))
    assert refused(shared.commit(reader, "main", "acme", "new"))
    assert refused(shared.create_branch(reader, "acme_reader"))


def test_a_reader_does_not_see_the_tables_of_restricted_columns(shared: Nessie) -> None:
    writer, reader = bearer("acme", RoleKind.WRITER), bearer("acme", RoleKind.READER)
    assert shared.create_namespace(writer, "acme_restricted").status_code == 200
    assert shared.create_namespace(writer, "acme_restricted", "inner").status_code == 200
    for elements in (["acme_restricted"], ["acme_restricted", "inner"]):
        assert shared.see_namespace(writer, *elements).status_code == 200
        assert refused(shared.see_namespace(reader, *elements))
    entries = shared.call("GET", "/api/v2/trees/main/entries", reader).json()["entries"]
    assert entries
    assert not [entry for entry in entries if "acme_restricted" in entry["name"]["elements"]]


@pytest.mark.parametrize("tenant", ["acme2", "acme-etl"])
@pytest.mark.parametrize("kind", RoleKind)
def test_no_role_of_a_tenant_touches_anothers_namespace(
    shared: Nessie, tenant: str, kind: RoleKind
) -> None:
    for mine, theirs in (("acme", tenant), (tenant, "acme")):
        token = bearer(mine, kind)
        assert refused(shared.see_namespace(token, theirs))
        assert refused(shared.create_namespace(token, theirs, "mine"))
        assert shared.commit(token, "main", theirs, "mine").status_code == 403
        read = shared.call("GET", f"/api/v2/trees/main/contents/{theirs}", token)
        assert read.status_code == 403
        owner = bearer(theirs, RoleKind.WRITER)
        assert shared.see_namespace(owner, theirs, "mine").status_code == 404


def test_a_dot_in_an_element_does_not_lead_into_a_namespace(shared: Nessie) -> None:
    for token in (bearer("acme", RoleKind.WRITER), bearer("acme2", RoleKind.WRITER)):
        assert refused(shared.create_namespace(token, "acme.inner"))
        assert shared.commit(token, "main", "acme.inner").status_code == 403


def test_a_tenant_is_shown_its_own_names_only(shared: Nessie) -> None:
    for tenant in ("acme", "acme2", "acme-etl"):
        token = bearer(tenant, RoleKind.WRITER)
        namespaces = shared.call(
            "GET", f"/iceberg/v1/main%7C{SHARED_WAREHOUSE}/namespaces", token
        ).json()
        assert [tenant] in namespaces["namespaces"]
        assert {name for (name,) in namespaces["namespaces"]} <= {tenant, f"{tenant}_restricted"}
        entries = shared.call("GET", "/api/v2/trees/main/entries", token).json()["entries"]
        assert {entry["name"]["elements"][0] for entry in entries} <= {
            tenant,
            f"{tenant}_restricted",
        }


def test_a_tenant_branches_under_its_own_name_only(shared: Nessie) -> None:
    acme, other = bearer("acme", RoleKind.WRITER), bearer("acme2", RoleKind.WRITER)
    assert shared.create_branch(acme, "acme_work").status_code == 200
    assert shared.commit(acme, "acme_work", "acme", "there").status_code == 200
    for name in ("acme", "acme2_work", "work", "acme-etl_work"):
        assert refused(shared.create_branch(acme, name))
    names = [
        reference["name"]
        for reference in shared.call("GET", "/api/v2/trees", other).json()["references"]
    ]
    assert names == ["main"]
    assert refused(shared.call("GET", "/api/v2/trees/acme_work/entries", other))


def test_who_committed_is_shown_only_where_a_tenant_is_alone(shared: Nessie, own: Nessie) -> None:
    log = "/api/v2/trees/main/history"
    assert refused(shared.call("GET", log, bearer("acme", RoleKind.ADMIN)))
    assert own.call("GET", log, bearer("globex", RoleKind.READER)).status_code == 200
    assert refused(own.call("GET", log, bearer("acme", RoleKind.ADMIN)))


def test_a_tenants_own_server_takes_nobody_elses_groups(own: Nessie) -> None:
    globex = bearer("globex", RoleKind.WRITER)
    assert own.create_namespace(globex, "globex", warehouse="globex").status_code == 200
    for kind in RoleKind:
        stranger = bearer("acme", kind)
        assert own.call("GET", "/api/v2/trees", stranger).json()["references"] == []
        assert refused(own.see_namespace(stranger, "globex", warehouse="globex"))
        assert refused(own.create_namespace(stranger, "acme", warehouse="globex"))


def test_a_client_is_offered_neither_signing_nor_credentials(shared: Nessie, own: Nessie) -> None:
    for nessie, tenant, warehouse in (
        (shared, "acme", SHARED_WAREHOUSE),
        (own, "globex", "globex"),
    ):
        writer = bearer(tenant, RoleKind.WRITER)
        nessie.create_namespace(writer, tenant, warehouse=warehouse)
        answer = nessie.call(
            "GET", "/iceberg/v1/config", writer, params={"warehouse": warehouse}
        ).json()
        config = {**answer["defaults"], **answer["overrides"]}
        place = nessie.task.environment[f"nessie.catalog.warehouses.{warehouse}.location"]
        assert f"{config['warehouse']}/" == place
        # Staged, so that the server has nothing to write to S3, which is not here.
        staged = nessie.call(
            "POST",
            f"/iceberg/v1/main%7C{warehouse}/namespaces/{tenant}/tables",
            writer,
            json={
                "name": "events",
                "stage-create": True,
                "schema": {
                    "type": "struct",
                    "schema-id": 0,
                    "fields": [{"id": 1, "name": "id", "type": "string", "required": False}],
                },
            },
        ).json()
        assert staged["metadata"]["location"].startswith(f"{place}{tenant}/events_")
        offered = config | staged["config"]
        assert offered.pop("s3.remote-signing-enabled") == "false"
        for word in ("sign", "credential", "access-key", "secret", "session", "token"):
            assert not [name for name in offered if word in name], offered
        assert not staged.get("storage-credentials")


def test_a_client_of_the_shared_server_must_name_its_warehouse(shared: Nessie) -> None:
    answer = shared.call("GET", "/iceberg/v1/config", bearer("acme", RoleKind.WRITER))
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "No default-warehouse configured"
