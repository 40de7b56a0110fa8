"""The launcher of runs on one machine: each is a process in its tenant's own, fixed environment.

As `pipelines.launcher` does in the cloud, it takes from a run its tenant and nothing else; here a
file that the platform wrote for the tenant stands for the tenant's task definition.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from dagster import DagsterInstance, DagsterRun, Field, StringSource
from dagster._core.launcher.base import (
    CheckRunHealthResult,
    LaunchRunContext,
    RunLauncher,
    WorkerStatus,
)
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from pipelines.runs import RunRefusedError, launched_tenant, no_tenant_of

PROCESS_TAG = "tenancy/process"
"""On a run: the process that works on it, as ``<pid>@<when it started>``."""

_PATIENCE = 5.0  # seconds that a run may take to end when it is told to


class TenantProcessRunLauncher(RunLauncher[DagsterInstance], ConfigurableClass):
    """``runs``: a folder with a file ``<tenant>.json`` for each tenant, the environment of its
    runs. ``logs``: a folder, where a tenant's runs append to ``run-<tenant>.log``.
    """

    def __init__(
        self, runs: str, logs: str, inst_data: ConfigurableClassData | None = None
    ) -> None:
        self._runs, self._logs, self._inst_data = Path(runs), Path(logs), inst_data
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What it was configured with."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """Its options."""
        return {
            "runs": Field(StringSource, description="folder of the tenants' environments"),
            "logs": Field(StringSource, description="folder of the tenants' logs"),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> TenantProcessRunLauncher:
        """As ``dagster.yaml`` says."""
        return cls(**config_value, inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run.

        Raises:
            RunRefusedError: its tags or its code location ask for what they may not.
        """
        run = context.dagster_run
        tenant = launched_tenant(run)
        try:
            told = (self._runs / f"{tenant}.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise no_tenant_of(run) from None
        origin = run.job_code_origin
        if origin is None:
            raise RunRefusedError(f"run {run.run_id} does not say which job it is of")
        command = ExecuteRunArgs(
            job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref()
        ).get_command_args()
        with (self._logs / f"run-{tenant}.log").open("ab") as log:
            started = subprocess.Popen(
                command, env=json.loads(told), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._started[run.run_id] = started
        began = psutil.Process(started.pid).create_time()
        self._instance.add_run_tags(run.run_id, {PROCESS_TAG: f"{started.pid}@{began}"})

    def terminate(self, run_id: str) -> bool:
        """End the run's process; whether there was one."""
        run = self._instance.get_run_by_id(run_id)
        process = _process(run) if run else None
        if run is None or process is None:
            return False
        self._instance.report_run_canceling(run)
        process.terminate()
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It can tell whether a run's process is there."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process still works."""
        if _process(run) is not None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its process is gone")

    def dispose(self) -> None:
        """End what it started: no run outlives its daemon."""
        working = [each for each in self._started.values() if each.poll() is None]
        for each in working:
            each.terminate()
        for each in working:
            try:
                each.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                each.kill()


def _process(run: DagsterRun) -> psutil.Process | None:
    """The process that works on the run, if it still does: a pid alone may be another's by now."""
    pid, _, began = run.tags.get(PROCESS_TAG, "").partition("@")
    try:
        process = psutil.Process(int(pid))
        same = process.create_time() == float(began)
    except (ValueError, psutil.Error):
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None
