"""The engine's command: a session and files of its own, one Ctrl-C waited for, a second passed on.

A script stands in for the engine: it says what it was given, and ends as its arguments tell.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pulumi.automation.errors import CommandError, StackNotFoundError

from onboarding.detached import DetachedCommand
from onboarding.engine import Engine
from onboarding.errors import OperationFailed
from onboarding.orphans import RUN_MARK
from onboarding.parallel import at_once
from tests.estates import ROOT

UP = ["up", "--stack", "prod", "--event-log", "nowhere"]
PATIENCE = 20


@pytest.fixture
def pulumi(tmp_path: Path) -> Iterator[Callable[[str], DetachedCommand]]:
    """The command of an engine that does what a script of the shell says.

    A job in the background of a script ignores SIGINT, and a shell that inherits that cannot trap
    it, as the engine can: here it is not ignored.
    """

    def make(script: str) -> DetachedCommand:
        path = tmp_path / "pulumi"
        path.write_text(f"#!/bin/bash\n{script}\n", "utf-8")
        path.chmod(0o755)
        return DetachedCommand(path, tmp_path / "logs")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield make
    signal.signal(signal.SIGINT, before)


def waited_for(path: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while not path.is_file() or not path.read_text("utf-8").endswith("\n"):
        assert time.monotonic() < deadline, f"{path} is never written"
        time.sleep(0.02)
    return path.read_text("utf-8").strip()


def test_a_short_commands_outputs_are_apart(pulumi: Callable[[str], DetachedCommand]) -> None:
    command = pulumi('echo "$@"; echo warned >&2')
    heard: list[str] = []
    result = command.run(["stack", "ls"], ".", {}, heard.append)
    assert result.stdout == "--non-interactive --color=never stack ls\n"
    assert (result.stderr, result.code) == ("warned\n", 0)
    assert heard == [result.stdout.strip()]


def test_all_that_an_operation_prints_is_in_its_log(
    pulumi: Callable[[str], DetachedCommand], tmp_path: Path
) -> None:
    command = pulumi("echo out; echo warned >&2")
    assert command.run(UP, ".", {}).stdout == "out\nwarned\n"
    assert (tmp_path / "logs/prod-up.log").read_text("utf-8") == "out\nwarned\n"


def test_it_is_marked_as_ours_in_a_session_of_its_own(
    pulumi: Callable[[str], DetachedCommand],
) -> None:
    command = pulumi(
        f'echo "$$ $(ps -o sid= -p $$) ${{#{RUN_MARK}}} $GIVEN $(readlink /proc/$$/fd/0)"'
    )
    pid, session, mark, given, stdin = command.run(["about"], ".", {"GIVEN": "1"}).stdout.split()
    assert (session, mark, given, stdin) == (pid, "32", "1", "/dev/null")


def test_its_failures_are_the_apis_and_the_engines_ours(
    pulumi: Callable[[str], DetachedCommand], tmp_path: Path
) -> None:
    command = pulumi("echo \"error: no stack named 'prod' found\" >&2; exit 255")
    with pytest.raises(StackNotFoundError):
        command.run(UP, ".", {})
    engine = Engine(tmp_path / "pulumi", tmp_path, tmp_path / "logs")
    assert engine.export("prod") is None
    with pytest.raises(OperationFailed, match="no stack named 'prod' found") as failed:
        engine.up("prod", print)
    assert failed.value.log == str(tmp_path / "logs/prod-up.log")


def test_no_command_selects_a_stack(
    pulumi: Callable[[str], DetachedCommand], tmp_path: Path
) -> None:
    pulumi(f'echo "$@" >> {tmp_path}/said; echo "{{}}"')
    engine = Engine(tmp_path / "pulumi", tmp_path, tmp_path / "logs")
    engine.init("prod")
    engine.export("prod")
    engine.up("prod", print)
    engine.refresh("prod", print)
    engine.cancel("prod")
    engine.destroy("prod", ("urn:x",), print)
    engine.drop("prod", "urn:x")
    engine.forget("prod")
    said = (tmp_path / "said").read_text("utf-8").splitlines()
    assert len(said) == 8
    init, *others = (line.removeprefix("--non-interactive --color=never ") for line in said)
    assert init == "stack init prod --no-select"
    for line in others:
        assert "--stack prod" in line or line == "stack rm --yes --preserve-config prod", line
        assert " select" not in line, line


def test_a_ctrl_c_is_waited_for_and_a_second_stops_it(
    pulumi: Callable[[str], DetachedCommand], tmp_path: Path
) -> None:
    """Both reach the engine, which ends when it wants to; then the run is interrupted."""
    ready = tmp_path / "ready"
    command = pulumi(
        f"""
        trap 'n=$((n+1)); echo "got $n"; echo $n > {tmp_path}/got$n; [ $n = 2 ] && exit 1' INT
        echo $$ > {ready}
        while true; do sleep 0.05; done
        """
    )

    def interrupted() -> None:
        for file in (ready, tmp_path / "got1"):
            try:
                waited_for(file)
            finally:
                os.kill(os.getpid(), signal.SIGINT)

    other = threading.Thread(target=interrupted)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        command.run(UP, ".", {})
    other.join()
    assert (tmp_path / "logs/prod-up.log").read_text("utf-8").split("\n")[:2] == ["got 1", "got 2"]
    assert not psutil.pid_exists(int(waited_for(ready)))


def test_runs_in_threads_are_interrupted_and_none_starts_after(
    pulumi: Callable[[str], DetachedCommand], tmp_path: Path
) -> None:
    command = pulumi(
        f"trap 'exit 1' INT; echo > {tmp_path}/ready$3; while true; do sleep 0.05; done"
    )

    def interrupting() -> None:
        try:
            for name in ("one", "two"):
                waited_for(tmp_path / f"ready{name}")
        finally:
            command.interrupt()

    jobs = {name: lambda name=name: command.run([name], ".", {}) for name in ("one", "two")}
    other = threading.Thread(target=interrupting)
    other.start()
    with pytest.raises(CommandError):
        at_once(jobs, command.interrupt, print)
    other.join()
    with pytest.raises(KeyboardInterrupt):
        command.run(["three"], ".", {})
    assert not (tmp_path / "readythree").exists()


def test_it_outlives_a_caller_that_is_killed(
    pulumi: Callable[[str], DetachedCommand], tmp_path: Path
) -> None:
    pulumi(
        f"""
        echo $$ > {tmp_path}/ready
        while [ ! -e {tmp_path}/go ]; do sleep 0.05; done
        echo much; echo more >&2; echo whole > {tmp_path}/ended
        """
    )
    program = (
        "from pathlib import Path; from onboarding.detached import DetachedCommand;"
        f" DetachedCommand(Path('{tmp_path}/pulumi'), Path('{tmp_path}/logs')).run({UP}, '.', {{}})"
    )
    caller = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, start_new_session=True)
    waited_for(tmp_path / "ready")
    os.killpg(caller.pid, signal.SIGKILL)
    assert caller.wait(PATIENCE) == -signal.SIGKILL
    (tmp_path / "go").touch()
    assert waited_for(tmp_path / "ended") == "whole"
    assert (tmp_path / "logs/prod-up.log").read_text("utf-8") == "much\nmore\n"
