"""The launcher of processes: a run is its tenant's, in the environment that was fixed for it."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, reconstructable
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.test_utils import instance_for_test

from localcloud.paths import PROJECT_ROOT
from localcloud.processes import wait_until
from pipelines.process_launcher import PROCESS_TAG, TenantProcessRunLauncher
from pipelines.runs import RunRefusedError
from tests.integration.dagster_job import report

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("process-launcher")]

PATIENCE = 120.0  # seconds


@dataclass(frozen=True)
class Started:
    instance: DagsterInstance
    folder: Path

    @property
    def launcher(self) -> TenantProcessRunLauncher:
        found = self.instance.run_launcher
        assert isinstance(found, TenantProcessRunLauncher)
        return found

    def new(self, tags: Mapping[str, str]) -> DagsterRun:
        return self.instance.create_run_for_job(
            job_def=report,
            tags=tags,
            job_code_origin=reconstructable(report).get_python_origin(),
            status=DagsterRunStatus.STARTING,
        )

    def again(self, run: DagsterRun) -> DagsterRun:
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    runs = tmp_path / "runs"
    runs.mkdir()
    programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    for tenant in ("acme", "globex"):
        told = {"PATH": programs, "PYTHONPATH": str(PROJECT_ROOT), "TENANT": tenant}
        (runs / f"{tenant}.json").write_text(json.dumps(told))
    launcher = {
        "module": "pipelines.process_launcher",
        "class": "TenantProcessRunLauncher",
        "config": {"runs": str(runs), "logs": str(tmp_path)},
    }
    # As the platform's are: Dagster's own would take what a run prints, and copy it back now and
    # then, up to when it ends.
    logs = {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
    settings = {"run_launcher": launcher, "compute_logs": logs}
    with instance_for_test(settings, temp_dir=str(tmp_path)) as instance:
        yield Started(instance, tmp_path)


def test_a_run_sees_its_tenants_environment_and_nothing_of_the_daemons(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENANT", "of the daemon")
    run = started.new({"tenant": "acme", "dagster/partition": "acme"})
    started.launcher.launch_run(LaunchRunContext(run, None))
    health = started.launcher.check_run_worker_health
    assert health(started.again(run)).status is WorkerStatus.RUNNING
    assert wait_until(lambda: started.again(run).is_finished, PATIENCE)
    assert started.again(run).status is DagsterRunStatus.SUCCESS
    # What a process printed is in the file when it has ended, which is after the run has.
    assert wait_until(lambda: health(started.again(run)).status is WorkerStatus.NOT_FOUND, PATIENCE)
    assert "the tenant is acme" in (started.folder / "run-acme.log").read_text()
    assert not (started.folder / "run-globex.log").exists()


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"tenant": "initech"}, "no tenant here"),
        ({"tenant": "../acme"}, "no tenant here"),
        ({}, "says nothing"),
        ({"tenant": "acme", "dagster/partition": "globex"}, "leave the tag out"),
        ({"tenant": "acme", "ecs/task_overrides": "{}"}, "ecs/task_overrides"),
    ],
)
def test_a_run_that_is_of_no_tenant_or_asks_for_more_is_not_started(
    started: Started, tags: Mapping[str, str], said: str
) -> None:
    run = started.new(tags)
    with pytest.raises(RunRefusedError, match=said):
        started.launcher.launch_run(LaunchRunContext(run, None))
    assert PROCESS_TAG not in started.again(run).tags


def test_a_run_is_ended_by_its_process_and_no_other_that_has_its_number(started: Started) -> None:
    run = started.new({"tenant": "acme"})
    started.launcher.launch_run(LaunchRunContext(run, None))
    process = psutil.Process(int(started.again(run).tags[PROCESS_TAG].partition("@")[0]))
    forged = started.new({"tenant": "globex", PROCESS_TAG: f"{process.pid}@1.0"})
    assert not started.launcher.terminate(forged.run_id)
    assert process.is_running()
    assert started.launcher.terminate(run.run_id)
    assert started.again(run).status is DagsterRunStatus.CANCELING
    started.launcher.dispose()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
