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


def test_the_deployed_tenants_are_read_from_the_environment_or_a_file(tmp_path: Path) -> None:
    text = json.dumps({"globex": {"tier": "soft"}, "acme": {}})
    file = tmp_path / "tenants.json"
    file.write_text(text)
    assert registered({"TENANCY_TENANTS": text}) == ("acme", "globex")
    assert registered({"TENANCY_TENANTS_FILE": str(file)}) == ("acme", "globex")
    file.write_text(json.dumps({"acme": {}}))
    assert registered({"TENANCY_TENANTS_FILE": str(file)}) == ("acme",)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"TENANCY_TENANTS": "acme"},
        {"TENANCY_TENANTS": '["acme"]'},
        {"TENANCY_TENANTS": '{"../acme": {}}'},
        {"TENANCY_TENANTS_FILE": "/nowhere/tenants.json"},
    ],
)
def test_what_is_no_list_of_tenants_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidRegistrations):
        registered(environment)


def test_the_command_registers_what_is_deployed_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("TENANCY_TENANTS", '{"acme": {}}')
    assert command.main([]) == 0
    assert command.main(["acme", "globex"]) == 0
    assert command.main(["Not_An_Id"]) == 2
    monkeypatch.delenv("TENANCY_TENANTS")
    assert command.main([]) == 2
    told = capsys.readouterr()
    assert told.out.splitlines() == ["registered: acme", "registered: globex"]
    assert "remedy" in told.err
    with DagsterInstance.get() as instance:
        assert set(instance.get_dynamic_partitions(NAME)) == {"acme", "globex"}
