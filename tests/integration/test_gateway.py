"""The catalog gateway before a real Nessie that writes to an S3: what a rule cannot keep, it does.

The Nessie is configured as deployed, except that it signs requests, as it does by default: each
attack is first made on it, where it succeeds, and then through the gateway before the same server.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
import requests
from moto.server import ThreadedMotoServer
from mypy_boto3_s3 import S3Client
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import ForbiddenError, UnauthorizedError

from localcloud.processes import wait_until
from localcloud.servers.nessie import IN_MEMORY, NessieServer, nessie_server
from onboarding import local_registry
from tenancy.estate import StackPlan
from tenancy.names import RoleKind
from tenancy.nessie import (
    DATABASE_URL,
    SHARED_WAREHOUSE,
    gateway_task,
    groups,
    jdbc_url,
    nessie_task,
)
from tenancy.registry import CATALOG, REGISTRY
from tenancy.settings import SharedNessie, TenantSettings
from tests.integration import catalogs
from tests.integration.catalogs import (
    NOBODYS,
    OPERATIONS,
    PATIENCE,
    READS,
    SCHEMA,
    Names,
    names_that_are_none,
    namespaces,
)
from tests.integration.signed import ISSUER, bearer, signed_estate, wrong_tokens

pytestmark = pytest.mark.xdist_group("gateway")

BUCKET = "lakehouse-prod--shared--222222222222-data"
S3_OPTIONS = "nessie.catalog.service.s3.default-options"
BARE = f"main%7C{SHARED_WAREHOUSE}"
"""The prefix on the server itself: one for all, which is why a gateway stands before it."""
SECRET = "a value of globex alone"
LISTENING = re.compile(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")


ACME = bearer("acme")
WRONG = wrong_tokens(ISSUER, groups("acme", RoleKind.WRITER))


class Catalog(catalogs.Catalog):
    """As acme's writer, where no other token is named."""

    def call(
        self, method: str, path: str, token: str | None = ACME, **given: Any
    ) -> requests.Response:
        return super().call(method, path, token, **given)

    def create_namespace(
        self, token: str, *elements: str, prefix: str, **properties: str
    ) -> requests.Response:
        body = {"namespace": elements, "properties": properties}
        return self.call("POST", f"/iceberg/v1/{prefix}/namespaces", token, json=body)

    def create_table(
        self, token: str, name: str, *elements: str, prefix: str, **given: Any
    ) -> requests.Response:
        path = f"/iceberg/v1/{prefix}/namespaces/{'%1F'.join(elements)}/tables"
        body = {"name": name, "schema": SCHEMA, "stage-create": False, **given}
        return self.call("POST", path, token, json=body)

    def load_table(self, token: str, name: str, *elements: str, prefix: str) -> requests.Response:
        path = f"/iceberg/v1/{prefix}/namespaces/{'%1F'.join(elements)}/tables/{name}"
        return self.call("GET", path, token)


@dataclass(frozen=True)
class Estate:
    stack: StackPlan
    registry: Path

    @property
    def tenants(self) -> list[TenantSettings]:
        return [each for each in self.stack.tenants if isinstance(each.nessie, SharedNessie)]

    @property
    def gateway(self) -> dict[str, str]:
        """The environment of the gateway's task, with a registry that is a folder."""
        task = gateway_task(self.stack.names, self.stack.environment)
        return {**task.environment, REGISTRY: str(self.registry)}


@dataclass(frozen=True)
class Gateway(Catalog):
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == "catalog-request"]


@contextmanager
def gateway_before(
    url: str, environment: Mapping[str, str], log: Path, **changed: str
) -> Iterator[Gateway]:
    given = {**environment, "GATEWAY_UPSTREAM": url, "GATEWAY_HOST": "127.0.0.1"} | changed
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.gateway"],
            env={"PATH": os.environ["PATH"], **given, "GATEWAY_PORT": "0"},
            cwd=Path(__file__).parents[2],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: bool(LISTENING.search(log.read_text())) or process.poll() is not None, PATIENCE
        )
        listening = LISTENING.search(log.read_text())
        assert listening, log.read_text()
        yield Gateway(f"http://127.0.0.1:{listening[1]}", log, process)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    made = signed_estate(tmp_path_factory.mktemp("estate"), "globex", "acme-etl")
    registry = tmp_path_factory.mktemp("registry")
    local_registry.write(registry, made.tenants)
    return Estate(made, registry)


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def s3(s3_url: str) -> S3Client:
    client = boto3.client(
        "s3",
        endpoint_url=s3_url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="module")
def server(
    estate: Estate, s3: S3Client, s3_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NessieServer]:
    task = nessie_task(None, estate.stack.names, estate.stack.environment)
    signs = f"{S3_OPTIONS}.request-signing-enabled"
    properties = {
        **{name: value for name, value in task.environment.items() if name != signs},
        DATABASE_URL: jdbc_url("database.example.com", 5432, "nessie"),
        **dict.fromkeys(task.secrets, "secret"),
        **IN_MEMORY,
        f"{S3_OPTIONS}.endpoint": s3_url,
        f"{S3_OPTIONS}.path-style-access": "true",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    with nessie_server(properties, tmp_path_factory.mktemp("nessie") / "nessie.log") as running:
        yield running


@pytest.fixture(scope="module")
def bare(server: NessieServer) -> Catalog:
    return Catalog(server.url)


@pytest.fixture(scope="module")
def gateway(
    server: NessieServer, estate: Estate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "gateway.log"
    with gateway_before(server.url, estate.gateway, log) as running:
        yield running


@pytest.fixture(scope="module")
def tables(gateway: Gateway) -> Mapping[str, Any]:
    """Tenant -> its table ``events``, made through the gateway."""
    found = {}
    for tenant in ("acme", "globex", "acme-etl"):
        token, prefix = bearer(tenant), f"main%7C{tenant}"
        for elements in ((tenant,), (f"{tenant}_restricted",)):
            made = gateway.create_namespace(token, *elements, prefix=prefix)
            assert made.status_code == 200, made.text
        secret = {"secret": SECRET} if tenant == "globex" else {}
        made = gateway.create_table(token, "events", tenant, prefix=prefix, properties=secret)
        assert made.status_code == 200, made.text
        found[tenant] = made.json()
    return found


# --- the four attacks -----------------------------------------------------------------------


def refused(answer: requests.Response) -> bool:
    return answer.status_code == 403 and set(answer.json()) == {"error"}


def test_registering_anothers_metadata(
    bare: Catalog, gateway: Gateway, tables: Mapping[str, Any]
) -> None:
    body = {"name": "registered", "metadata-location": tables["globex"]["metadata-location"]}
    path = "/iceberg/v1/{}/namespaces/acme/register"
    assert refused(gateway.call("POST", path.format("main%7Cacme"), json=body))
    assert bare.load_table(ACME, "registered", "acme", prefix=BARE).status_code == 404
    stolen = bare.call("POST", path.format(BARE), json=body)
    assert stolen.json()["metadata"]["properties"]["secret"] == SECRET


def test_committing_a_pointer_to_anothers_metadata(
    bare: Catalog, gateway: Gateway, tables: Mapping[str, Any]
) -> None:
    def commit(catalog: Catalog) -> requests.Response:
        head = bare.call("GET", "/api/v2/trees/main").json()["reference"]["hash"]
        content = {
            "type": "ICEBERG_TABLE",
            "metadataLocation": tables["globex"]["metadata-location"],
            **dict.fromkeys(("snapshotId", "schemaId", "specId", "sortOrderId"), 0),
        }
        put = {"type": "PUT", "key": {"elements": ["acme", "pointer"]}, "content": content}
        return catalog.call(
            "POST",
            f"/api/v2/trees/main@{head}/history/commit",
            json={"commitMeta": {"message": "put"}, "operations": [put]},
        )

    assert refused(commit(gateway))
    assert bare.load_table(ACME, "pointer", "acme", prefix=BARE).status_code == 404
    assert commit(bare).status_code == 200
    stolen = bare.load_table(ACME, "pointer", "acme", prefix=BARE)
    assert stolen.json()["metadata"]["properties"]["secret"] == SECRET
    # And what somebody has planted by another way is not shown.
    shown = gateway.load_table(ACME, "pointer", "acme", prefix="main%7Cacme")
    assert refused(shown)
    assert SECRET not in shown.text
    assert BUCKET not in shown.text


def test_having_the_server_sign_a_get_of_anothers_data(
    bare: Catalog, gateway: Gateway, tables: Mapping[str, Any], s3: S3Client
) -> None:
    place = tables["globex"]["metadata"]["location"].removeprefix(f"s3://{BUCKET}/")
    key = f"{place}/data/part-0.parquet"
    s3.put_object(Bucket=BUCKET, Key=key, Body=SECRET.encode())
    registered = {
        "name": "signed",
        "metadata-location": tables["globex"]["metadata-location"],
    }
    bare.call("POST", f"/iceberg/v1/{BARE}/namespaces/acme/register", json=registered)
    delegated = {"X-Iceberg-Access-Delegation": "remote-signing"}
    path = "/iceberg/v1/{}/namespaces/acme/tables/{}"
    asked_bare = bare.call("GET", path.format(BARE, "signed"), headers=delegated)
    offered = asked_bare.json()["config"]
    assert offered["s3.remote-signing-enabled"] == "true"
    asked = {
        "region": "us-east-1",
        "method": "GET",
        "uri": f"https://{BUCKET}.s3.us-east-1.amazonaws.com/{key}",
        "headers": {},
    }
    signer = f"/iceberg/{offered['s3.signer.endpoint']}"
    signed = bare.call("POST", signer, json=asked)
    assert signed.status_code == 200, signed.text
    assert "AWS4-HMAC-SHA256" in signed.json()["headers"]["Authorization"][0]
    assert refused(gateway.call("POST", signer, json=asked))
    # Nor is a client told of it for its own table.
    asked_own = path.format("main%7Cacme", "events")
    own = gateway.call("GET", asked_own, headers=delegated).json()
    assert own["config"]
    assert not [name for name in own["config"] if "sign" in name]
    assert "storage-credentials" not in own


def test_having_the_server_write_among_anothers_files(
    bare: Catalog, gateway: Gateway, tables: Mapping[str, Any], s3: S3Client
) -> None:
    key = "globex/lakehouse/metadata/planted"
    properties = "/iceberg/v1/{}/namespaces/acme"

    def planted() -> int:
        return s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"]

    def move(catalog: Catalog, prefix: str, place: str) -> requests.Response:
        body = {"updates": {"location": place}, "removals": []}
        path = f"{properties.format(prefix)}/properties"
        return catalog.call("POST", path, json=body)

    def table(catalog: Catalog, prefix: str) -> requests.Response:
        return catalog.create_table(ACME, "planted", "acme", prefix=prefix)

    own = bare.call("GET", properties.format(BARE)).json()["properties"]["location"]
    assert own == f"s3://{BUCKET}/acme/lakehouse/metadata/"
    for prefix in ("main%7Cacme", "main%7Cglobex"):
        assert refused(move(gateway, prefix, f"s3://{BUCKET}/{key}"))
        assert refused(gateway.create_namespace(ACME, "acme", "x", prefix=prefix, location=key))
    assert move(bare, BARE, f"s3://{BUCKET}/{key}").status_code == 200
    # Even with the place there, made by another way: by no other prefix may it be used to write.
    assert refused(table(gateway, "main%7Cglobex"))
    assert planted() == 0
    assert table(bare, BARE).status_code == 200
    assert planted() == 1
    assert move(bare, BARE, own).status_code == 200


# --- who may do what ------------------------------------------------------------------------


def test_each_operation_of_nessies_is_the_own_tenants_alone(
    gateway: Gateway, tables: Mapping[str, Any]
) -> None:
    at = Names(gateway, "acme", ACME)
    for operation, attempt in OPERATIONS.items():
        for other in ("globex", "acme-etl"):
            for kind in RoleKind:
                status = attempt(at, bearer(other, kind)).status_code
                assert status == 403, (operation, other, kind)
        assert attempt(at, None).status_code == 401, operation
        if operation not in READS:
            reader = attempt(at, bearer("acme", RoleKind.READER))
            assert reader.status_code == 403, operation
        own = attempt(at, ACME)
        assert own.ok, (operation, own.text)
        if operation in READS:
            assert attempt(at, bearer("acme", RoleKind.READER)).ok, operation


@pytest.mark.parametrize("operation", NOBODYS)
def test_what_no_tenant_needs_no_tenant_may(gateway: Gateway, operation: str) -> None:
    attempt, at = NOBODYS[operation], Names(gateway, "acme", ACME)
    for tenant in ("acme", "globex"):
        for kind in RoleKind:
            assert attempt(at, bearer(tenant, kind)).status_code in (400, 403)
    assert attempt(at, None).status_code == 401


def test_nessies_own_rules_hold_beneath(bare: Catalog, tables: Mapping[str, Any]) -> None:
    answer = bare.load_table(bearer("globex"), "events", "acme", prefix=BARE)
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "AccessCheckException"


def test_a_new_tenant_needs_nothing_of_the_running_nessie(
    server: NessieServer, estate: Estate, tables: Mapping[str, Any], tmp_path: Path
) -> None:
    place = f"s3://{BUCKET}/umbrella"
    umbrella = {
        "warehouse": f"{place}/lakehouse/metadata/",
        "restricted": f"{place}/restricted/metadata/",
    }
    registry = tmp_path / "registry"
    local_registry.write(registry, estate.tenants)
    (registry / "umbrella.json").write_text(json.dumps({CATALOG: umbrella}))
    environment = estate.gateway | {REGISTRY: str(registry)}
    with gateway_before(server.url, environment, tmp_path / "gateway.log") as gateway:
        token, prefix = bearer("umbrella"), "main%7Cumbrella"
        assert gateway.create_namespace(token, "umbrella", prefix=prefix).ok
        made = gateway.create_table(token, "events", "umbrella", prefix=prefix)
        assert made.json()["metadata"]["location"].startswith(umbrella["warehouse"])
        assert refused(gateway.load_table(token, "events", "acme", prefix=prefix))
        assert refused(gateway.load_table(ACME, "events", "umbrella", prefix="main%7Cacme"))


def test_a_branch_is_its_tenants_to_write_and_to_see(
    bare: Catalog, gateway: Gateway, tables: Mapping[str, Any]
) -> None:
    assert gateway.call("POST", "/api/v2/trees?name=acme_dev&type=BRANCH", json={"name": "main"}).ok
    prefix = "acme_dev%7Cacme"
    assert gateway.create_table(ACME, "draft", "acme", prefix=prefix).ok
    assert gateway.load_table(ACME, "draft", "acme", prefix=prefix).ok
    assert gateway.load_table(ACME, "draft", "acme", prefix="main%7Cacme").status_code == 404
    for tenant in ("globex", "acme-etl"):
        for prefix in (f"acme_dev%7C{tenant}", "acme_dev%7Cacme"):
            made = gateway.create_table(bearer(tenant), "draft", tenant, prefix=prefix)
            assert refused(made)
        listed = gateway.call("GET", "/api/v2/trees", bearer(tenant)).json()["references"]
        assert listed == []
    (listed,) = gateway.call("GET", "/api/v2/trees").json()["references"]
    assert listed["name"] == "acme_dev"
    assert "main" in bare.call("GET", "/api/v2/trees").text


def test_lists_and_configuration_show_the_own_tenant_alone(
    gateway: Gateway, tables: Mapping[str, Any]
) -> None:
    for tenant in ("acme", "globex", "acme-etl"):
        token = bearer(tenant)
        listed = gateway.call("GET", namespaces(tenant), token).json()
        assert listed["namespaces"] == [[tenant], [f"{tenant}_restricted"]]
        config = gateway.call("GET", "/iceberg/v1/config", token)
        assert f"{BUCKET}/{tenant}/" in config.text
        for other in {"acme", "globex", "acme-etl"} - {tenant}:
            assert f"/{other}/" not in config.text
            assert refused(gateway.call("GET", f"/iceberg/v1/config?warehouse={other}", token))
        assert "uri" not in {**config.json()["defaults"], **config.json()["overrides"]}


def test_restricted_tables_lie_apart_and_readers_do_not_see_them(
    gateway: Gateway, tables: Mapping[str, Any], s3: S3Client
) -> None:
    prefix, restricted = "main%7Cacme", ("acme_restricted",)
    made = gateway.create_table(ACME, "people", *restricted, prefix=prefix)
    place = f"s3://{BUCKET}/acme/restricted/metadata/"
    assert made.json()["metadata"]["location"].startswith(place)
    assert gateway.load_table(ACME, "people", *restricted, prefix=prefix).ok
    reader = bearer("acme", RoleKind.READER)
    assert refused(gateway.load_table(reader, "people", *restricted, prefix=prefix))
    inner = gateway.call("GET", namespaces("acme"), ACME).json()["namespaces"]
    assert ["acme_restricted"] in inner
    inner = gateway.call("GET", namespaces("acme"), reader).json()["namespaces"]
    assert ["acme_restricted"] not in inner


# --- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "status"),
    [
        *((token, 401) for token in WRONG.values()),
        (ISSUER.token("umbrella--writer"), 403),
        (ISSUER.token("acme--writer", "globex--reader"), 403),
    ],
    ids=[*WRONG, "stranger", "two tenants"],
)
def test_a_token_that_does_not_hold_is_refused_and_logged(
    gateway: Gateway, tables: Mapping[str, Any], token: str, status: int
) -> None:
    before = len(gateway.requests)
    answer = gateway.load_table(token, "events", "acme", prefix="main%7Cacme")
    assert answer.status_code == status
    assert "acme" not in answer.text
    wait_until(lambda: len(gateway.requests) > before, PATIENCE)
    line = gateway.requests[-1]
    assert (line["tenant"], line["outcome"], line["status"]) == (None, "refused", status)
    assert token not in gateway.log.read_text()


@pytest.mark.parametrize(
    "path", names_that_are_none("acme", "globex"), ids=lambda path: str(path)[-30:]
)
def test_a_name_that_is_none_is_refused_and_logged_without_it(gateway: Gateway, path: str) -> None:
    before = len(gateway.requests)
    status, content = gateway.raw("GET", path, ACME)
    assert status in (400, 403)
    assert set(json.loads(content)) == {"error"}
    assert len(content) < 300
    wait_until(lambda: len(gateway.requests) > before, PATIENCE)
    line = gateway.requests[-1]
    assert (line["tenant"], line["identity"], line["outcome"]) == ("acme", "somebody", "refused")
    assert "xxx" not in gateway.log.read_text()


# --- a plain client, and the process --------------------------------------------------------


def iceberg(gateway: Catalog, s3_url: str, token: str, **given: str) -> RestCatalog:
    return RestCatalog(
        "lake",
        **{
            "uri": f"{gateway.url}/iceberg",
            "token": token,
            "s3.endpoint": s3_url,
            "s3.access-key-id": "x",
            "s3.secret-access-key": "x",
            "s3.region": "us-east-1",
            **given,
        },
    )


def test_a_plain_iceberg_client_works_and_stays_in_its_tenant(
    gateway: Gateway, tables: Mapping[str, Any], s3_url: str, s3: S3Client
) -> None:
    acme = iceberg(gateway, s3_url, ACME, warehouse="acme")
    rows = pa.table({"id": pa.array([1, 2, 3], pa.int64())})
    data = f"s3://{BUCKET}/acme/lakehouse/data/facts"
    facts = acme.create_table("acme.facts", rows.schema, properties={"write.data.path": data})
    facts.append(rows)
    facts.append(rows)
    with facts.update_schema() as update:
        update.add_column("note", facts.schema().find_type("id"))
    with acme.create_table_transaction("acme.staged", rows.schema) as staged:
        staged.append(rows)
    assert acme.load_table("acme.facts").scan().to_arrow().num_rows == 6
    assert acme.load_table("acme.staged").scan().to_arrow().num_rows == 3
    written = s3.list_objects_v2(Bucket=BUCKET, Prefix="acme/lakehouse/data/facts/")["KeyCount"]
    assert written == 2
    acme.rename_table("acme.staged", "acme.renamed")
    assert acme.table_exists("acme.renamed")
    assert not acme.table_exists("acme.staged")
    acme.drop_table("acme.renamed")
    # Its reader reads, and does not write.
    reader = iceberg(gateway, s3_url, bearer("acme", RoleKind.READER), warehouse="acme")
    assert reader.load_table("acme.facts").scan().to_arrow().num_rows == 6
    with pytest.raises(ForbiddenError):
        reader.load_table("acme.facts").append(rows)
    # Another tenant gets neither, by its own prefix nor by acme's.
    for prefix in ("main%7Cglobex", "main%7Cacme"):
        globex = iceberg(gateway, s3_url, bearer("globex"), prefix=prefix)
        with pytest.raises(ForbiddenError):
            globex.load_table("acme.facts")
    with pytest.raises(UnauthorizedError):
        iceberg(gateway, s3_url, "no-token")


def test_a_client_that_names_the_prefix_works_on_its_branch(
    gateway: Gateway, tables: Mapping[str, Any], s3_url: str
) -> None:
    source = {"name": "main"}
    assert gateway.call("POST", "/api/v2/trees?name=acme_try&type=BRANCH", json=source).ok
    branch = iceberg(gateway, s3_url, ACME, prefix="acme_try%7Cacme")
    rows = pa.table({"id": pa.array([1], pa.int64())})
    branch.create_table("acme.tried", rows.schema).append(rows)
    assert branch.load_table("acme.tried").scan().to_arrow().num_rows == 1
    assert not iceberg(gateway, s3_url, ACME).table_exists("acme.tried")


def test_a_tenant_is_added_while_the_gateway_runs(
    server: NessieServer, estate: Estate, tables: Mapping[str, Any], tmp_path: Path
) -> None:
    registry = tmp_path / "registry"
    local_registry.write(registry, [each for each in estate.tenants if each.id == "acme"])
    environment = estate.gateway | {REGISTRY: str(registry)}
    with gateway_before(server.url, environment, tmp_path / "gateway.log") as gateway:
        globex, prefix = bearer("globex"), "main%7Cglobex"
        assert refused(gateway.load_table(globex, "events", "globex", prefix=prefix))
        local_registry.write(registry, estate.tenants)
        assert wait_until(
            lambda: gateway.load_table(globex, "events", "globex", prefix=prefix).ok, PATIENCE
        )
        assert gateway.load_table(ACME, "events", "acme", prefix="main%7Cacme").ok


def test_what_is_under_way_is_answered_before_the_gateway_ends(
    estate: Estate, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as slow:
        url = f"http://127.0.0.1:{slow.getsockname()[1]}"
        with gateway_before(url, estate.gateway, tmp_path / "gateway.log") as gateway:
            found: list[requests.Response] = []
            asking = threading.Thread(
                target=lambda: found.append(gateway.call("GET", namespaces("acme", "/acme")))
            )
            asking.start()
            connection, _ = slow.accept()
            connection.recv(65536)
            gateway.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "Shutting down" in gateway.log.read_text(), PATIENCE)
            assert gateway.process.poll() is None
            body = b'{"namespace": ["acme"]}'
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            asking.join(PATIENCE)
            assert found[0].json() == {"namespace": ["acme"]}
            connection.close()
            gateway.process.wait(PATIENCE)
            assert gateway.requests[-1]["outcome"] == "allowed"


def test_the_log_holds_no_token_and_a_line_for_each_request(
    gateway: Gateway, tables: Mapping[str, Any]
) -> None:
    before = len(gateway.requests)
    gateway.load_table(ACME, "events", "acme", prefix="main%7Cacme")
    wait_until(lambda: len(gateway.requests) > before, PATIENCE)
    line = gateway.requests[-1]
    assert line["operation"] == "load-table"
    assert line["names"] == ["acme.events"]
    assert (line["tenant"], line["roles"], line["outcome"]) == ("acme", ["writer"], "allowed")
    text = gateway.log.read_text()
    signature = ACME.split(".")[2]
    assert signature not in text
    assert base64.urlsafe_b64encode(b'{"iss"').decode().rstrip("=") not in text
    assert requests.get(f"{gateway.url}/health", timeout=PATIENCE).text == "ok"
