"""Servers that outlive their command: found again, and replaced when something is wrong."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localcloud.errors import LocalCloudError
from localcloud.processes import ProcessIdentity
from localcloud.servers.kept import Kept, Program, ensure, launch

PATIENCE = 20.0


def program(code: str) -> Program:
    command = [sys.executable, "-c", code]
    return Program("the thing", command, {}, re.compile(r"ready on (\d+)"), PATIENCE)


SERVES = program("import time; print('ready on 7', flush=True); time.sleep(600)")


@dataclass
class Starts:
    """Counts what is started, and ends it after the test."""

    folder: Path
    ports: list[int] = field(default_factory=list)
    processes: list[ProcessIdentity] = field(default_factory=list)
    well: bool = True

    def __call__(self, port: int) -> Kept:
        process, _ = launch(SERVES, self.folder / "log")
        self.ports.append(port)
        self.processes.append(process)
        return Kept(process, port or 4711, "")

    def ensure(self, configuration: object = "one") -> Kept:
        return ensure(self.folder / "record.json", configuration, self, lambda _port: self.well)


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Starts]:
    made = Starts(tmp_path)
    yield made
    for process in made.processes:
        process.end()


def test_what_runs_as_it_should_is_left_alone(starts: Starts) -> None:
    assert starts.ensure() == starts.ensure()
    assert starts.ports == [0]


def test_what_was_killed_comes_back_where_it_was(starts: Starts) -> None:
    first = starts.ensure()
    starts.processes[0].end()
    again = starts.ensure()
    assert again.process != first.process
    assert starts.ports == [0, 4711]


def test_what_is_configured_otherwise_or_unwell_is_ended_and_replaced(starts: Starts) -> None:
    starts.ensure("one")
    starts.ensure("two")
    starts.well = False
    starts.ensure("two")
    assert len(starts.processes) == 3
    assert [process.process() is None for process in starts.processes] == [True, True, False]


def test_a_record_that_is_torn_counts_for_nothing(starts: Starts) -> None:
    (starts.folder / "record.json").write_text('{"pid": ')
    starts.ensure()
    assert starts.ports == [0]


def test_the_start_says_what_the_log_said(tmp_path: Path) -> None:
    process, said = launch(SERVES, tmp_path / "log")
    assert said[1] == "7"
    assert process.end()


def test_a_server_that_ends_at_once_is_an_error_that_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="the thing did not start") as failed:
        launch(program("print('no memory')"), tmp_path / "log")
    assert str(tmp_path / "log") in str(failed.value)
