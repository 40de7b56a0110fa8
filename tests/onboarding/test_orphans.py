"""Which processes count as left behind by a dead engine, on real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.processes import wait_until
from onboarding.orphans import RUN_MARK, end, find_engines, find_orphans

BACKEND = "file:///somewhere/.local/state"
SLEEP = "import time; time.sleep(60)"

Started = list[subprocess.Popen[bytes]]


@pytest.fixture
def started() -> Iterator[Started]:
    processes: Started = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def start(started: Started, *command: str | Path, **environment: str) -> int:
    process = subprocess.Popen(command, env={**os.environ, **environment})
    started.append(process)
    return process.pid


def found() -> set[int]:
    return {identity.pid for identity in find_orphans(BACKEND)}


def test_what_a_run_of_ours_started_is_an_orphan_once_its_engine_is_gone(started: Started) -> None:
    environment = {"PULUMI_BACKEND_URL": BACKEND, RUN_MARK: "1"}
    pid = start(started, sys.executable, "-c", SLEEP, **environment)
    assert wait_until(lambda: found() == {pid}, 5)
    assert end(find_orphans(BACKEND)) == 1
    assert found() == set()


def test_a_plugin_is_an_orphan_also_when_a_user_started_its_engine(started: Started) -> None:
    arguments = ("-c", SLEEP, "localcloud.aws_plugin", "127.0.0.1:1")
    pid = start(started, sys.executable, *arguments, PULUMI_BACKEND_URL=BACKEND)
    assert wait_until(lambda: found() == {pid}, 5)


def test_other_processes_in_the_users_shell_are_left_alone(started: Started) -> None:
    start(started, sys.executable, "-c", SLEEP, PULUMI_BACKEND_URL=BACKEND)
    start(started, sys.executable, "-c", SLEEP, "pulumi-resource-aws", PULUMI_BACKEND_URL=BACKEND)
    assert found() == set()


def test_another_checkouts_processes_are_left_alone(started: Started) -> None:
    environment = {"PULUMI_BACKEND_URL": "file:///elsewhere/.local/state", RUN_MARK: "1"}
    start(started, sys.executable, "-c", SLEEP, **environment)
    assert found() == set()


def test_what_a_living_engine_started_is_no_orphan(started: Started, tmp_path: Path) -> None:
    """A process is an engine by its name: a shell called `pulumi` stands for one."""
    engine = tmp_path / "pulumi"
    shutil.copy("/bin/sh", engine)
    environment = {"PULUMI_BACKEND_URL": BACKEND, RUN_MARK: "1"}
    pid = start(started, engine, "-c", "sleep 60 & wait", **environment)
    assert wait_until(lambda: [e.pid for e in find_engines(BACKEND)] == [pid], 5)
    assert found() == set()
    child = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    started[0].kill()
    started[0].wait()
    assert found() == {int(child.stdout)}
    end(find_orphans(BACKEND))
