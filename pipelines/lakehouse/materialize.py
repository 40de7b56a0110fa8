"""``python -m pipelines.lakehouse.materialize [--rounds N] TENANT ...``: run the job for tenants.

Each round queues one run for each tenant's partition and waits until all have ended; the daemon
starts them, each as its tenant's task. Prints a JSON object a run. The instance is that of
``DAGSTER_HOME``, whose ``workspace.yaml`` says where the code is. Exit code 1 if a run failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dagster import (
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RunsFilter,
)
from dagster._cli.job import execute_backfill_command
from dagster_shared.cli import WorkspaceOpts

from pipelines.lakehouse.automation import JOB
from pipelines.runs import TENANT_TAG

ROUND_TAG = "tenancy/round"
PATIENCE = 600.0
"""Seconds that a round may take."""

_EVERY = 0.5  # seconds between two looks


@dataclass(frozen=True)
class Ended:
    """How a tenant's run fared; ``reason`` is empty unless it failed."""

    tenant: str
    run: str
    status: str
    reason: str


def materialize(instance: DagsterInstance, workspace: Path, tenants: Sequence[str]) -> list[Ended]:
    """One round.

    Raises:
        TimeoutError: runs did not end in time; they go on.
    """
    name = uuid.uuid4().hex
    execute_backfill_command(
        workspace_opts=WorkspaceOpts(workspace=(str(workspace),)),
        partitions=",".join(tenants),
        tags=json.dumps({ROUND_TAG: name}),
        noprompt=True,
        job_name=JOB,
        print_fn=lambda _line: None,
        instance=instance,
    )
    deadline = time.monotonic() + PATIENCE
    while True:
        runs = instance.get_runs(RunsFilter(tags={ROUND_TAG: name}))
        if len(runs) == len(tenants) and all(run.is_finished for run in runs):
            return sorted((_ended(instance, run) for run in runs), key=lambda one: one.tenant)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(tenants)} runs did not end within {PATIENCE:.0f} s")
        time.sleep(_EVERY)


def _ended(instance: DagsterInstance, run: DagsterRun) -> Ended:
    failed = run.status is not DagsterRunStatus.SUCCESS
    reasons = _reasons(instance, run.run_id) if failed else iter(())
    return Ended(run.tags[TENANT_TAG], run.run_id, run.status.value, next(reasons, ""))


def _reasons(instance: DagsterInstance, run_id: str) -> Iterator[str]:
    """What the first step that failed said, in one line; else why no step was started; else what
    the run said.
    """
    types = (
        DagsterEventType.STEP_FAILURE,
        DagsterEventType.ENGINE_EVENT,
        DagsterEventType.RUN_FAILURE,
    )
    for of_type in types:
        for entry in instance.get_records_for_run(run_id, of_type=of_type).records:
            if (event := entry.event_log_entry.dagster_event) and (message := _told(event)):
                yield message.strip().splitlines()[0]


def _told(event: DagsterEvent) -> str | None:
    """The first cause of what went wrong; None for an event that tells of nothing that did."""
    if event.is_step_failure:
        error = event.step_failure_data.error
    elif event.is_engine_event:
        error = event.engine_event_data.error
        if error is None:
            return None
    else:
        error = None
    while error and error.cause:
        error = error.cause
    return error.message if error else event.message


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.lakehouse.materialize")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("tenants", nargs="+")
    given = parser.parse_args(arguments)
    workspace, well = Path(os.environ["DAGSTER_HOME"]) / "workspace.yaml", True
    with DagsterInstance.get() as instance:
        for _ in range(given.rounds):
            for ended in materialize(instance, workspace, given.tenants):
                sys.stdout.write(json.dumps(asdict(ended)) + "\n")
                well = well and ended.status == DagsterRunStatus.SUCCESS.value
            sys.stdout.flush()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
