"""What the embedded cloud is opened for, and what is waited for before."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from localcloud.errors import LocalCloudError
from localcloud.paths import Layout
from localcloud.processes import wait_until
from onboarding import busy
from onboarding.busy import Busy
from onboarding.opened import Opened, wait_for_survivors
from onboarding.orphans import RUN_MARK, find_engines
from onboarding.progress import Silence
from onboarding.scope import scope_of
from tenancy.estate import load_estate
from tests.estates import FILES, write_estate
from tests.partitions import GOVCLOUD

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
    waiting = threading.Thread(target=wait_for_survivors, args=(BACKEND, told))
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
    monkeypatch.setattr(busy, "PATIENCE", 0.0)
    with pytest.raises(Busy, match=f"kill -INT {engine.pid}"):
        wait_for_survivors(BACKEND, Told())


def test_the_embedded_cloud_is_not_started_for_a_region_that_it_does_not_have(
    tmp_path: Path,
) -> None:
    prod = GOVCLOUD.moved(FILES["Pulumi.prod.yaml"] or "") + "    embedded: true\n"
    root = write_estate(tmp_path, {"Pulumi.prod.yaml": prod, "tenants/initech.yaml": None})
    scope = scope_of(load_estate(root), "prod")
    found = Opened(root, scope, Mock(), Layout(root), Mock())
    with pytest.raises(LocalCloudError, match="us-gov-west-1 is in aws-us-gov"):
        found.start_cloud()
    assert not (root / ".local").exists()
