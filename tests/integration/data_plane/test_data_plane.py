"""The data plane as a whole: what the program decides holds where catalog and storage enforce it.

What the gateway lets through and what Nessie's rules say is tried in `test_gateway` and
`test_nessie_configuration`; here real storage stands behind them, with each role's own credentials.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from botocore.exceptions import ClientError
from dagster import AssetIn, AssetSpec, DagsterInstance, asset, materialize
from pyarrow import parquet
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import ForbiddenError, ServerError
from pyiceberg.table import StaticTable

from onboarding.pipeline import shown
from pipelines import writing
from pipelines.audit import refusals
from pipelines.gateway.refusal import Refused
from pipelines.lakehouse.acting import Acting
from pipelines.lakehouse.assets import IO_MANAGER
from pipelines.lakehouse.io import IcebergIOManager
from pipelines.lakehouse.partitions import NAME, tenants
from pipelines.schemas import schema_of
from tenancy.names import PLATFORM, RoleKind
from tenancy.nessie import groups
from tests.estates import run_on
from tests.integration.catalogs import (
    LOG,
    NOBODYS,
    OPERATIONS,
    READS,
    Names,
    names_that_are_none,
    namespaces,
    refused,
)
from tests.integration.data_plane.plane import Plane
from tests.integration.signed import wrong_tokens

pytestmark = pytest.mark.xdist_group("data-plane")

TENANTS = ("acme", "globex", "newcorp", "federal-dhs")
EVENTS, RESTRICTED = "event_stream", "event_stream__restricted"
SECRET = "somebody@secret.example"


def events(plane: Plane, tenant: str, *keys: str) -> pa.Table:
    """Rows with all columns of the template, the restricted ones too."""
    columns = {
        column.name: column
        for part in plane.lake(tenant).parts(EVENTS)
        for column in schema_of(part).as_arrow()
    }
    # Before what pipelines load, which goes on after the newest.
    known: Mapping[str, Any] = {"occurred_at": datetime(2009, 1, 1, tzinfo=UTC), "email": SECRET}
    rows = [{**dict.fromkeys(columns), **known, "event_id": key} for key in keys]
    return pa.Table.from_pylist(rows, pa.schema(list(columns.values())))


@pytest.fixture(scope="module")
def loaded(plane: Plane) -> Plane:
    """Every tenant has tables, and an event in each part of one."""
    for tenant in TENANTS:
        catalog = plane.as_(tenant)
        catalog.make_tables()
        assert catalog.append(EVENTS, events(plane, tenant, f"first of {tenant}"), batch="first")
    return plane


def keys(plane: Plane, tenant: str) -> tuple[list[str], list[str]]:
    """Of the events, in the public and the restricted part."""
    catalog = plane.as_(tenant)
    public, restricted = (
        sorted(catalog.read(name)["event_id"].to_pylist()) for name in (EVENTS, RESTRICTED)
    )
    return public, restricted


def refusal(call: Callable[[], object]) -> str:
    """The code of S3's refusal of the call."""
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


# --- across tenants ---------------------------------------------------------------------------


@pytest.mark.parametrize("victim", TENANTS)
def test_whoever_is_given_anothers_metadata_fails_at_storage(loaded: Plane, victim: str) -> None:
    location = loaded.as_(victim).load(EVENTS).metadata_location

    def read(tenant: str) -> pa.Table:
        # The catalog is not asked.
        with refusals():
            return StaticTable.from_metadata(location, loaded.storage(tenant)).scan().to_arrow()

    assert f"first of {victim}" in read(victim)["event_id"].to_pylist()
    for tenant in set(TENANTS) - {victim}:
        with pytest.raises(ForbiddenError):
            read(tenant)


def test_every_attempt_of_each_tenant_at_each_other_is_refused(loaded: Plane) -> None:
    done = loaded.checkout.tenancy("pipeline", "--rounds", "0", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["crossings"]) == len(TENANTS) * (len(TENANTS) - 1)
    for crossing in found["crossings"]:
        assert crossing["attempts"] == crossing["refused"], crossing
        assert all(crossing["attempts"].values()), crossing


def test_each_operation_of_an_own_nessie_is_its_tenants_alone(loaded: Plane) -> None:
    names = Names(loaded.catalog("newcorp"), "newcorp", loaded.token("newcorp"))
    tokens = {kind: loaded.token("newcorp", kind) for kind in RoleKind}
    others = [loaded.token(other, kind) for other in ("acme", "federal-dhs") for kind in RoleKind]
    reading, nobodys = READS | {LOG}, NOBODYS.keys() - {LOG}
    for operation, attempt in {**OPERATIONS, **NOBODYS}.items():
        for other in others:
            assert refused(attempt(names, other)), operation
        assert attempt(names, None).status_code == 401, operation
        if operation not in reading:
            assert refused(attempt(names, tokens[RoleKind.READER])), operation
        for kind in RoleKind if operation in reading else (RoleKind.RUN,):
            own = attempt(names, tokens[kind])
            assert refused(own) if operation in nobodys else own.ok, (operation, kind, own.text)


# --- columns ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", TENANTS)
def test_a_reader_gets_no_restricted_value_with_plain_clients(loaded: Plane, tenant: str) -> None:
    lake, run, reader = (
        loaded.lake(tenant),
        loaded.s3(tenant),
        loaded.s3(tenant, RoleKind.READER),
    )

    def objects(part: str) -> list[str]:
        listed = run.list_objects_v2(Bucket=lake.bucket, Prefix=f"{lake.prefix}{part}")
        return [entry["Key"] for entry in listed["Contents"]]

    def body(client: Any, key: str) -> bytes:
        found: bytes = client.get_object(Bucket=lake.bucket, Key=key)["Body"].read()
        return found

    closed, open_ = objects("restricted/"), objects("lakehouse/")
    columns = {
        column.name for part in lake.tables if part.restricted for column in part.columns[1:]
    }
    assert any(SECRET in str(table(body(run, key))) for key in closed if key.endswith(".parquet"))
    assert {refusal(partial(body, reader, key)) for key in closed} == {"AccessDenied"}
    for prefix in ("", lake.prefix, f"{lake.prefix}restricted/"):
        listing = partial(reader.list_objects_v2, Bucket=lake.bucket, Prefix=prefix)
        assert refusal(listing) == "AccessDenied"
    for key in open_:
        got = body(reader, key)
        assert SECRET.encode() not in got
        if key.endswith(".parquet"):
            assert not columns & set(table(got).column_names)

    iceberg = RestCatalog(
        "plain",
        uri=lake.catalog,
        warehouse=tenant,
        token=loaded.token(tenant, RoleKind.READER),
        **loaded.storage(tenant, RoleKind.READER),
    )
    assert not columns & set(iceberg.load_table((tenant, EVENTS)).scan().to_arrow().column_names)
    with pytest.raises(ForbiddenError), refusals():
        iceberg.load_table((f"{tenant}_restricted", RESTRICTED))


def table(raw: bytes) -> pa.Table:
    return parquet.read_table(io.BytesIO(raw))


def test_what_each_role_is_shown_is_what_lake_formation_grants_it(loaded: Plane) -> None:
    root = loaded.checkout.root
    granted = {
        grant
        for stack in ("local", "local-federal-dhs")
        for grant in granted_columns(run_on(root, stack))
    }
    assert {tenant for tenant, *_ in granted} == set(TENANTS)
    assert granted == {
        (tenant, kind, column)
        for tenant in TENANTS
        for kind in RoleKind
        for column in shown(loaded.as_(tenant, kind))
    }


def granted_columns(program: Mapping[str, Any]) -> set[tuple[str, RoleKind, str]]:
    """Whose role, which, and the column, of each SELECT that the program has Lake Formation grant,
    by tags.
    """
    of_type: dict[str, list[Any]] = {}
    for one in program.values():
        of_type.setdefault(one.type.rpartition(":")[2], []).append(one)
    columns = {
        one.name: [entry["name"] for entry in one.inputs["storageDescriptor"]["columns"]]
        for one in of_type["CatalogTable"]
    }
    tagged = {
        one.name.removesuffix("-tags"): {tag["key"]: tag["value"] for tag in one.inputs["lfTags"]}
        for one in of_type["ResourceLfTags"]
        if "table" in one.inputs
    }
    assert tagged.keys() == columns.keys()
    found = set()
    for grant in of_type["Permissions"]:
        policy = grant.inputs.get("lfTagPolicy")
        if policy is None or "SELECT" not in grant.inputs["permissions"]:
            continue
        wanted = {entry["key"]: set(entry["values"]) for entry in policy["expressions"]}
        tenant, kind = grant.name.removesuffix("-tables").split("-catalog-")
        for name, tags in tagged.items():
            if all(tags.get(key) in values for key, values in wanted.items()):
                of_table = name.removeprefix(f"{tenant}-catalog-")
                found |= {
                    (tenant, RoleKind(kind), f"{of_table}.{column}") for column in columns[name]
                }
    return found


# --- who is nobody ----------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", ["acme", "newcorp"])
def test_a_token_that_does_not_hold_gets_neither_tables_nor_credentials(
    loaded: Plane, tenant: str
) -> None:
    issuer, own = loaded.issuer, groups(tenant, RoleKind.RUN)
    good, storage = loaded.token(tenant), loaded.lakehouse.storage
    assert storage.properties(issuer.token(*own))  # so that nothing else is wrong with the others
    head, claims, signature = good.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    more = json.dumps({**said, "groups": groups("globex", RoleKind.RUN)})
    forged = base64.urlsafe_b64encode(more.encode()).rstrip(b"=").decode()
    wrong = {
        **wrong_tokens(issuer, own),
        "claims changed": f"{head}.{forged}.{signature}",
        "not signed": f"{head}.{claims}.",
        "long": "x" * 10_000,
    }
    for case, token in wrong.items():
        path = namespaces(tenant, f"/{tenant}/tables")
        answer = loaded.catalog(tenant).call("GET", path, token)
        assert answer.status_code == 401, case
        assert EVENTS not in answer.text
        with pytest.raises(Refused):
            loaded.lakehouse.catalog_for(token)
        if case != "issuer":  # MinIO asks who signed, for whom and until when, not what it is named
            with pytest.raises(ClientError):
                storage.properties(token)
    log = loaded.log("gateway" if tenant == "acme" else "nessie-newcorp")
    assert len(re.findall(r'"status": 401|HTTP/1\.1" 401', log)) >= len(wrong)
    assert not any(token in log for token in (*wrong.values(), good))


@pytest.mark.parametrize(("tenant", "other"), [("acme", "globex"), ("newcorp", "acme")])
def test_a_name_that_is_none_leads_nowhere_and_the_answer_tells_nothing(
    loaded: Plane, tenant: str, other: str
) -> None:
    token, catalog = loaded.token(tenant), loaded.catalog(tenant)
    server = "gateway" if tenant == "acme" else "nessie-newcorp"
    before = loaded.log(server)
    for path in names_that_are_none(tenant, other):
        status, content = catalog.raw("GET", path, token)
        # A Nessie of one tenant knows no names but that one's, and no other warehouse.
        unknown = server != "gateway" and f"Warehouse '{other}' is not known".encode() in content
        assert status in (400, 403, 404, 414) or unknown, (path, content)
        assert len(content) < 300
        for told in (token.encode(), b"s3://", b"Exception:", b".java", b"xxx"):
            assert told not in content
    written = loaded.log(server).removeprefix(before)
    assert written.count(f"{tenant}--run") >= 6  # Nessie does not log what it does not read to end
    assert "xxx" not in written


# --- while it runs ----------------------------------------------------------------------------


def test_a_new_tenant_is_served_without_a_restart(loaded: Plane) -> None:
    before = loaded.processes()
    file = loaded.checkout.root / "tenants" / "initech.yaml"
    file.write_text("tenant: initech\ncontact: a@b.example\nisolation: soft\n")
    try:
        loaded.start()
        assert loaded.processes() == before
        catalog = loaded.as_("initech")
        catalog.make_tables()
        catalog.append(EVENTS, events(loaded, "initech", "its first"), batch="1")
        assert keys(loaded, "initech") == (["its first"], ["its first"])
        with loaded.dagster(PLATFORM) as dagster:
            assert "initech" in dagster.get_dynamic_partitions(NAME)
        with pytest.raises(ForbiddenError), refusals():
            loaded.as_("acme").iceberg.load_table(("initech", EVENTS))
    finally:
        file.unlink()  # and the next start serves it no more


def test_a_suspended_tenant_reaches_nothing_more_and_the_others_go_on(loaded: Plane) -> None:
    at_work = {tenant: loaded.as_(tenant) for tenant in ("globex", "newcorp")}
    rows = {tenant: events(loaded, tenant, "too late") for tenant in at_work}
    held = {tenant: loaded.s3(tenant) for tenant in at_work}
    for catalog in at_work.values():
        assert catalog.count(EVENTS)
    processes = loaded.processes()
    with loaded.suspended(*at_work):
        assert loaded.processes() == processes
        for tenant, catalog in at_work.items():
            # newcorp has no gateway that refuses it: its Nessie may read no metadata any more.
            for access in (
                partial(catalog.read, EVENTS),
                partial(catalog.append, EVENTS, rows[tenant], batch="too late"),
            ):
                with pytest.raises((ForbiddenError, ServerError)):
                    access()
            lake = catalog.lake
            listing = partial(
                held[tenant].list_objects_v2, Bucket=lake.bucket, Prefix=f"{lake.prefix}lakehouse/"
            )
            assert refusal(listing) == "AccessDenied"
            with pytest.raises(Refused):
                loaded.as_(tenant)
        assert loaded.as_("acme").append(EVENTS, events(loaded, "acme", "meanwhile"), "meanwhile")
        done = loaded.checkout.tenancy("pipeline", "--rounds", "0", "--json")
        assert done.returncode == 0, done.stderr
        told = {tenant["tenant"] for tenant in json.loads(done.stdout)["tenants"]}
        assert told == {"acme", "federal-dhs"}
    for tenant in at_work:
        assert "too late" not in keys(loaded, tenant)[0]


def test_an_asset_is_given_what_its_own_tenants_table_holds(loaded: Plane) -> None:
    given: list[pa.Table] = []

    @asset(partitions_def=tenants, ins={"rows": AssetIn(EVENTS)})
    def counted(rows: pa.Table) -> None:
        given.append(rows)

    def run(environment: Mapping[str, str], partition: str) -> bool:
        resources = {IO_MANAGER: IcebergIOManager(Acting(environment))}
        source = AssetSpec(EVENTS, partitions_def=tenants).with_io_manager_key(IO_MANAGER)
        with DagsterInstance.ephemeral() as dagster:
            dagster.add_dynamic_partitions(NAME, ["acme", "globex"])
            done = materialize(
                [source, counted],
                partition_key=partition,
                instance=dagster,
                resources=resources,
                selection=[counted],
                raise_on_error=False,
            )
            return done.success

    runs = loaded.place.dagster(PLATFORM) / "runs"
    acme = json.loads((runs / "acme.json").read_text())
    assert run(acme, "acme")
    assert sorted(given[0]["event_id"].to_pylist()) == keys(loaded, "acme")[0]
    assert "email" not in given[0].column_names
    assert not run(acme, "globex")
    assert len(given) == 1


@pytest.mark.parametrize(
    ("server", "heard"),
    [("postgresql", True), ("nessie-newcorp", False)],
    ids=["postgresql before the commit", "nessie after the commit"],
)
def test_a_server_killed_in_the_middle_of_a_write_leaves_all_or_nothing(
    loaded: Plane, server: str, heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``heard``: that it is down, by the commit itself; else the commit's answer is lost."""
    batch, before = f"{server} {heard}", keys(loaded, "newcorp")[0]
    rows = events(loaded, "newcorp", batch)
    commit, processes = writing._commit, loaded.processes()

    def interrupted(*given: Any) -> None:
        if not heard:
            commit(*given)
        loaded.kill(server)
        commit(*given)

    catalog = loaded.as_("newcorp")
    monkeypatch.setattr(writing, "_commit", interrupted)
    with pytest.raises(Exception) as error:  # noqa: PT011 - which one depends on what died when
        catalog.append(EVENTS, rows, batch)
    assert not isinstance(error.value, ForbiddenError | AssertionError)
    monkeypatch.undo()
    loaded.start()
    assert {name for name, pid in loaded.processes().items() if pid != processes[name]} == {server}
    after = sorted([*before, batch])
    assert keys(loaded, "newcorp") == ((before, before) if heard else (after, after))
    assert loaded.as_("newcorp").append(EVENTS, rows, batch) is heard
    assert keys(loaded, "newcorp") == (after, after)
