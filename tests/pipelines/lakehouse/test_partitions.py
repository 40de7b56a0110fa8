"""Partitions are tenants: registered where they are deployed, and said by the run's tag."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import (
    AssetSelection,
    DagsterInstance,
    Definitions,
    RunRequest,
    asset,
    define_asset_job,
)

from pipelines.lakehouse import register as command
from pipelines.lakehouse.partitions import NAME, register, tenants
from pipelines.lakehouse.registrations import InvalidRegistrations, registered
from pipelines.registry import REGISTRY, RUNS


@asset(partitions_def=tenants)
def table() -> None: ...


load = define_asset_job("load", selection=AssetSelection.all())
definitions = Definitions(assets=[table], jobs=[load])


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as made:
        yield made


@pytest.mark.parametrize("job", ["load", "__ASSET_JOB"])
def test_the_code_location_tags_a_partitions_run_with_its_tenant(job: str) -> None:
    tags = definitions.resolve_job_def(job).get_tags_for_partition_key("acme", None)
    assert tags["tenant"] == tags["dagster/partition"] == "acme"


def test_a_tag_that_a_request_brings_gives_way_to_the_partitions(
    instance: DagsterInstance,
) -> None:
    register(instance, ["acme"])
    asked = RunRequest(partition_key="acme", tags={"tenant": "globex"})
    resolved = asked.with_resolved_tags_and_config(
        definitions.resolve_job_def("load"), [], instance
    )
    assert resolved.tags["tenant"] == "acme"


def test_tenants_are_registered_once_and_stay(instance: DagsterInstance) -> None:
    assert register(instance, ["globex", "acme"]) == ("acme", "globex")
    assert register(instance, ["acme", "newcorp"]) == ("newcorp",)
    assert register(instance, []) == ()
    assert set(instance.get_dynamic_partitions(NAME)) == {"acme", "globex", "newcorp"}


def entered(folder: Path, tenant: str, told: object) -> None:
    (folder / f"{tenant}.json").write_text(json.dumps(told))


def test_the_deployed_tenants_are_those_whose_runs_the_registry_tells_of(tmp_path: Path) -> None:
    entered(tmp_path, "globex", {RUNS: {"tier": "soft", "task_family": "lake--globex--run"}})
    entered(tmp_path, "acme", {RUNS: {"task_family": "lake--acme--run"}, "more": 1})
    entered(tmp_path, "suspended", {"audit": {}})
    assert registered({REGISTRY: str(tmp_path)}) == ("acme", "globex")
    (tmp_path / "globex.json").unlink()
    assert registered({REGISTRY: str(tmp_path)}) == ("acme",)


@pytest.mark.parametrize(
    "told", [7, {}, {"task_family": 7}, {"task_family": "lake--acme--run:7"}, {"task_family": ""}]
)
def test_a_tenant_whose_task_is_not_told_is_none(told: object, tmp_path: Path) -> None:
    entered(tmp_path, "acme", {RUNS: told})
    entered(tmp_path, "globex", {RUNS: {"task_family": "lake--globex--run"}})
    assert registered({REGISTRY: str(tmp_path)}) == ("globex",)


@pytest.mark.parametrize("environment", [{}, {REGISTRY: "/nowhere"}, {REGISTRY: "https://a/b/"}])
def test_without_a_registry_there_are_no_tenants(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidRegistrations):
        registered(environment)


def test_the_command_registers_what_is_deployed_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = tmp_path / "registry"
    registry.mkdir()
    entered(registry, "acme", {RUNS: {"task_family": "lake--acme--run"}})
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv(REGISTRY, str(registry))
    assert command.main([]) == 0
    assert command.main(["acme", "globex"]) == 0
    assert command.main(["Not_An_Id"]) == 2
    monkeypatch.delenv(REGISTRY)
    assert command.main([]) == 2
    told = capsys.readouterr()
    assert told.out.splitlines() == ["registered: acme", "registered: globex"]
    assert "remedy" in told.err
    with DagsterInstance.get() as instance:
        assert set(instance.get_dynamic_partitions(NAME)) == {"acme", "globex"}
