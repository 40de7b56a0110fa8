"""What starts by itself: a run a day for each tenant, and the first one of a new tenant."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import (
    DagsterInstance,
    DefaultScheduleStatus,
    RunRequest,
    SensorResult,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
)
from dagster._core.test_utils import instance_for_test

from pipelines.definitions import definitions
from pipelines.lakehouse.automation import JOB, daily, default_status, new_tenants
from pipelines.lakehouse.partitions import NAME, register
from pipelines.registry import REGISTRY, RUNS
from tenancy.dagster import SCHEDULES


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with instance_for_test() as made:
        yield made


def test_every_tenant_has_a_run_a_day(instance: DagsterInstance) -> None:
    register(instance, ["globex", "acme"])
    at = datetime(2026, 3, 1, 3, tzinfo=UTC)
    asked = daily(build_schedule_context(instance=instance, scheduled_execution_time=at))
    assert isinstance(asked, Iterator)
    requests = [each for each in asked if isinstance(each, RunRequest)]
    assert {(each.run_key, each.partition_key) for each in requests} == {
        ("2026-03-01/acme", "acme"),
        ("2026-03-01/globex", "globex"),
    }


def test_schedules_run_unless_the_code_server_is_told_otherwise() -> None:
    assert default_status({}) is DefaultScheduleStatus.RUNNING
    assert default_status({SCHEDULES: "off"}) is DefaultScheduleStatus.STOPPED
    assert daily.default_status is DefaultScheduleStatus.RUNNING


def test_a_new_tenant_in_the_registry_becomes_a_partition_with_a_first_run(
    instance: DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REGISTRY, str(tmp_path))
    register(instance, ["acme"])
    context = build_sensor_context(instance=instance, definitions=definitions)
    told = json.dumps({RUNS: {"task_family": "lake--run"}})
    (tmp_path / "acme.json").write_text(told)
    assert isinstance(new_tenants(context), SkipReason)
    (tmp_path / "globex.json").write_text(told)
    found = new_tenants(context)
    assert isinstance(found, SensorResult)
    (added,) = found.dynamic_partitions_requests or ()
    assert (added.partitions_def_name, list(added.partition_keys)) == (NAME, ["globex"])
    (run,) = found.run_requests or ()
    assert run.partition_key == "globex"


def test_without_a_registry_the_sensor_says_why_it_does_nothing(
    instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(REGISTRY, raising=False)
    skipped = new_tenants(build_sensor_context(instance=instance, definitions=definitions))
    assert isinstance(skipped, SkipReason)
    assert REGISTRY in (skipped.skip_message or "")


def test_a_partitions_run_is_tagged_with_its_tenant_by_the_code_location(
    instance: DagsterInstance,
) -> None:
    register(instance, ["acme"])
    job = definitions.resolve_job_def(JOB)
    assert job.get_tags_for_partition_key("acme", None)["tenant"] == "acme"
