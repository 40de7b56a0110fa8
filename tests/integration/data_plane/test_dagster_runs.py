"""Runs of the code location on the local data plane, queued, started and checked by Dagster."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

import pyarrow.compute as pc  # type: ignore[import-untyped]
import pytest
from dagster import AssetKey, DagsterEventType, DagsterRun, DagsterRunStatus, RunsFilter

from localcloud.processes import wait_until
from onboarding import data_plane
from onboarding.local_dagster import saved_environment
from pipelines.lakehouse import source
from pipelines.lakehouse.history import CURRENT, ENTITY
from pipelines.lakehouse.partitions import NAME
from tenancy.names import PLATFORM
from tests.integration.data_plane.plane import Plane

pytestmark = pytest.mark.xdist_group("data-plane")

SHARING, ALONE = ("acme", "globex", "newcorp"), "federal-dhs"
WHOLE_MONTHS = [0, *accumulate(24 * days for days in (31, 28, 31, 30))]
"""Number of months -> hours in the first ones of the year."""
EVENTS, HISTORY = "event_stream", "scd_type2"
Runs = Mapping[str, Mapping[str, str]]


def materialize(plane: Plane) -> Runs:
    """Tenant -> how the one run of it fared."""
    found = {run["tenant"]: run for run in data_plane.materialize(plane.checkout.root, 1)}
    assert set(found) >= {*SHARING, ALONE}
    return found


def audit(plane: Plane, tenant: str) -> list[dict[str, Any]]:
    """What the tenant's runs wrote into its own log."""
    place = plane.place.log(f"run-{tenant}")
    lines = place.read_text().splitlines() if place.exists() else []
    return [json.loads(line) for line in lines if line.startswith('{"event": "table-access"')]


def at_work(plane: Plane, tenant: str, then: Callable[[], None]) -> threading.Thread:
    """Does something as soon as the tenant's next run has read its table, and will write to it."""
    before = len(audit(plane, tenant))

    def wait() -> None:
        if wait_until(lambda: len(audit(plane, tenant)) > before, 120):
            then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def one_round(plane: Plane, *tenants: str) -> subprocess.CompletedProcess[str]:
    """Of tenants that share a Dagster: a line of JSON for each run, unless its store is gone."""
    return subprocess.run(
        ["python", "-m", "pipelines.lakehouse.materialize", *tenants],
        env=saved_environment(plane.place.dagster(PLATFORM)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def cut_off(plane: Plane) -> DagsterRun:
    """A run of acme, under which PostgreSQL was killed: the store of its catalog and of Dagster."""
    killer = at_work(plane, "acme", lambda: plane.kill("postgresql"))
    assert one_round(plane, "acme").returncode
    killer.join()
    plane.start()
    with plane.dagster(PLATFORM) as dagster:

        def newest() -> DagsterRun:
            (run,) = dagster.get_runs(RunsFilter(tags={"tenant": "acme"}), limit=1)
            return run

        wait_until(lambda: newest().is_finished, 120, every=1)
        return newest()


@pytest.fixture(scope="module")
def rounds(plane: Plane, cut_off: DagsterRun) -> tuple[Runs, Runs]:
    """Two rounds. In the first, newcorp's Nessie is killed when its run has begun to work."""
    killer = at_work(plane, "newcorp", lambda: plane.kill("nessie-newcorp"))
    first = materialize(plane)
    killer.join()
    plane.start()
    return first, materialize(plane)


def test_a_killed_postgresql_fails_the_run_and_the_next_one_succeeds(
    cut_off: DagsterRun, rounds: tuple[Runs, Runs]
) -> None:
    assert cut_off.status is DagsterRunStatus.FAILURE
    assert rounds[0]["acme"]["status"] == "SUCCESS", rounds[0]["acme"]


def test_a_killed_nessie_fails_its_tenants_run_alone_and_the_next_run_succeeds(
    rounds: tuple[Runs, Runs],
) -> None:
    first, second = rounds
    assert first["newcorp"]["status"] == "FAILURE"
    assert "Error" in first["newcorp"]["reason"]
    for tenant in ("acme", "globex", ALONE):
        assert first[tenant]["status"] == "SUCCESS", first[tenant]
    assert {run["status"] for run in second.values()} == {"SUCCESS"}, second


@pytest.mark.parametrize("tenant", [*SHARING, ALONE])
def test_each_run_appends_a_month_and_merges_a_year_once(
    plane: Plane, cut_off: DagsterRun, rounds: tuple[Runs, Runs], tenant: str
) -> None:
    catalog = plane.as_(tenant)
    events = catalog.read(EVENTS)
    hours = events.filter(pc.equal(events["source"], source.HOURS))
    repeated = [key for key, found in Counter(hours["event_id"].to_pylist()).items() if found > 1]
    assert not repeated
    succeeded = sum(run[tenant]["status"] == "SUCCESS" for run in rounds)
    failed = len(rounds) - succeeded + (cut_off.tags["tenant"] == tenant)
    # A batch that was in before its run failed is not there twice: the next run goes on after it.
    assert hours.num_rows in WHOLE_MONTHS[succeeded : succeeded + failed + 1]
    assert sorted(catalog.read(f"{EVENTS}__restricted")["event_id"].to_pylist()) == sorted(
        events["event_id"].to_pylist()
    )
    versions = catalog.read(HISTORY).to_pylist()
    current = Counter(row[ENTITY] for row in versions if row[CURRENT])
    assert set(current) == {row[ENTITY] for row in versions}
    assert set(current.values()) == {1}
    restricted = catalog.read(f"{HISTORY}__restricted")
    assert sorted(restricted["version_id"].to_pylist()) == sorted(
        row["version_id"] for row in versions
    )
    assert len(versions) > len(current) or succeeded == 1


def test_runs_carry_their_partition_as_the_tag_tenant_and_passed_their_checks(
    plane: Plane, rounds: tuple[Runs, Runs]
) -> None:
    for owner, tenants in ((PLATFORM, SHARING), (ALONE, (ALONE,))):
        with plane.dagster(owner) as dagster:
            assert set(dagster.get_dynamic_partitions(NAME)) >= set(tenants)
            for tenant in tenants:
                run = dagster.get_run_by_id(rounds[1][tenant]["run"])
                assert run is not None
                assert run.tags["tenant"] == run.tags["dagster/partition"] == tenant
                events = dagster.get_records_for_run(
                    run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION
                ).records
                checks = {
                    (check.asset_key, check.check_name): check.passed
                    for event in events
                    if event.event_log_entry.dagster_event is not None
                    for check in [event.event_log_entry.dagster_event.asset_check_evaluation_data]
                }
                assert checks == {
                    (AssetKey(asset), check): True
                    for asset in (EVENTS, HISTORY)
                    for check in ("schema", "rows")
                }


def test_a_hard_tenants_runs_are_in_its_own_dagster_only(
    plane: Plane, rounds: tuple[Runs, Runs]
) -> None:
    for owner, foreign in ((PLATFORM, ALONE), (ALONE, "acme")):
        with plane.dagster(owner) as dagster:
            assert not dagster.get_runs(RunsFilter(tags={"tenant": foreign}))
            assert foreign not in dagster.get_dynamic_partitions(NAME)
    shared, own = (
        saved_environment(plane.place.dagster(owner))["DAGSTER_PG_DB"]
        for owner in (PLATFORM, ALONE)
    )
    assert (shared, own) == ("dagster_platform", "dagster_federal_dhs")


@pytest.mark.parametrize("tenant", [*SHARING, ALONE])
def test_every_access_of_a_run_is_in_its_tenants_log_by_verified_identity(
    plane: Plane, rounds: tuple[Runs, Runs], tenant: str
) -> None:
    lines = audit(plane, tenant)
    assert {line["tenant"] for line in lines} == {tenant}
    assert {line["identity"] for line in lines} == {f"{tenant}--run"}
    allowed = {line["action"] for line in lines if line["outcome"] == "allowed"}
    assert allowed >= {"make", "read", "append", "merge", "count"}
    log = plane.place.log(f"run-{tenant}").read_text()
    assert "fahrenheit" not in log  # of the restricted column `payload`
    failed = [line for line in lines if line["outcome"] == "failed"]
    if tenant != "acme":  # whose run did not hear of the killed store before it had to tell of it
        assert bool(failed) is (tenant == "newcorp")


def test_the_web_interface_is_on_loopback_and_ends_with_the_data_plane(
    plane: Plane, rounds: tuple[Runs, Runs]
) -> None:
    done = plane.checkout.run("dagster", "--json")
    assert done.returncode == 0, done.stderr
    url = json.loads(done.stdout)["url"]
    assert url.startswith("http://127.0.0.1:")
    asked = {"query": "{ assetNodes { assetKey { path } } }"}
    answer = plane.http.post(f"{url}/graphql", json=asked).json()
    assert {node["assetKey"]["path"][0] for node in answer["data"]["assetNodes"]} == {
        EVENTS,
        HISTORY,
    }
    assert "dagster-webserver-platform" in plane.processes()
    unknown = plane.checkout.run("dagster", "--of", "acme")
    assert unknown.returncode == 1
    assert "no Dagster of acme" in unknown.stderr


def test_nothing_runs_for_a_suspended_tenant_and_the_others_go_on(
    plane: Plane, rounds: tuple[Runs, Runs]
) -> None:
    before = audit(plane, "globex")
    with plane.suspended("globex"):
        done = one_round(plane, "globex", "acme")
    found = {run["tenant"]: run for run in map(json.loads, done.stdout.splitlines())}
    assert found["acme"]["status"] == "SUCCESS", found
    assert found["globex"]["status"] == "FAILURE"
    assert "no tenant here is called" in found["globex"]["reason"]
    assert audit(plane, "globex") == before
