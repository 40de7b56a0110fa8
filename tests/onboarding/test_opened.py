"""What one command waits for before it works on stacks."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.processes import wait_until
from onboarding import opened
from onboarding.deploy import Busy
from onboarding.orphans import RUN_MARK, find_engines
from onboarding.progress import Silence

BACKEND = "file:///of/a/test"


class Told(Silence):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An engine without a lock: a process is one by its name and by what marks it."""
    program = tmp_path / "pulumi"
    shutil.copy("/bin/sh", program)
    environment = {**os.environ, "PULUMI_BACKEND_URL": BACKEND, RUN_MARK: "1"}
    process = subprocess.Popen([program, "-c", "read _"], env=environment, stdin=subprocess.PIPE)
    assert wait_until(lambda: [e.pid for e in find_engines(BACKEND)] == [process.pid], 5)
    yield process
    process.kill()
    process.wait()


def test_an_engine_that_outlived_its_command_is_waited_for_though_it_has_no_lock_yet(
    engine: subprocess.Popen[bytes],
) -> None:
    told = Told()
    waiting = threading.Thread(target=opened._wait_for_engines, args=(BACKEND, told))
    waiting.start()
    assert wait_until(lambda: told.lines != [], 5)
    assert waiting.is_alive()
    assert f"process {engine.pid}" in told.lines[0]
    engine.communicate()
    waiting.join(5)
    assert not waiting.is_alive()
    assert len(told.lines) == 1


def test_an_engine_that_never_ends_is_named_with_the_remedy(
    engine: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "ENGINE_PATIENCE", 0.0)
    with pytest.raises(Busy, match=f"kill -INT {engine.pid}"):
        opened._wait_for_engines(BACKEND, Told())
