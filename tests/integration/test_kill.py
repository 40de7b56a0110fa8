"""After any kill -9 during an update, the next `tenancy local up` converges without help."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from localcloud.paths import Layout
from onboarding.errors import OperationFailed
from tests.integration import inventory
from tests.integration.checkout import LAST_STATE_ONLY, Checkout, Json

pytestmark = pytest.mark.xdist_group("kill")

STACK = "local"

# A small estate: each case deploys it twice.
TENANTS = {"ant": "soft"}

MOMENTS = [0.0, 0.45]
"""At which part of all resources recorded; the first is in the preview."""


@pytest.fixture(scope="module")
def small(new_checkout: Callable[[], Checkout]) -> Checkout:
    checkout = new_checkout()
    checkout.shrink(TENANTS)
    return checkout


@pytest.fixture(scope="module")
def clean(small: Checkout) -> tuple[Json, int]:
    """What a deployment that nobody disturbs leaves, and how many resources it records."""
    small.up()
    return inventory.account_of(small), len(small.resources(STACK))


@pytest.fixture
def fresh(small: Checkout, clean: tuple[Json, int]) -> Iterator[Checkout]:
    assert small.run("down", "--clear").returncode == 0
    yield small
    assert processes_of(small) == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_killing_the_engine_and_all_it_started_is_mended(
    fresh: Checkout, clean: tuple[Json, int], moment: float
) -> None:
    engine = engine_at(fresh, moment, clean[1])
    for process in [engine, *engine.children(recursive=True)]:
        process.kill()
    converges(fresh, clean[0])


@pytest.mark.parametrize("moment", MOMENTS)
def test_killing_the_engine_alone_is_mended(
    fresh: Checkout, clean: tuple[Json, int], moment: float
) -> None:
    engine_at(fresh, moment, clean[1]).kill()
    converges(fresh, clean[0])


def test_an_engine_that_outlives_its_command_is_waited_for(
    fresh: Checkout, clean: tuple[Json, int]
) -> None:
    engine = engine_at(fresh, 0.2, clean[1])
    engine.suspend()  # so that it outlives the start of the next command
    RUNNING.pop().kill()
    command = fresh.start("up")
    try:
        assert command.stdout is not None
        told = next(line for line in command.stdout if "waiting for another run" in line)
        assert f"process {engine.pid}" in told
    finally:
        engine.resume()
    said = command.communicate(timeout=120)[0]
    assert command.returncode == 0, said
    assert "killed" not in said
    as_wanted(fresh, clean[0])


def test_ctrl_c_lets_the_engine_finish_and_leaves_nothing_behind(
    fresh: Checkout, clean: tuple[Json, int]
) -> None:
    engine = engine_at(fresh, 0.2, clean[1])
    command = engine.parent()
    assert command is not None
    os.killpg(command.pid, signal.SIGINT)
    assert RUNNING.pop().wait(60) == 130
    assert not engine.is_running()
    assert processes_of(fresh) == []
    assert locks(fresh) == []
    assert "pending_operations" not in fresh.export(STACK)
    assert len(fresh.resources(STACK)) < clean[1]
    told = converges(fresh, clean[0])
    assert "killed" not in told


RUNNING: list[subprocess.Popen[str]] = []


def engine_at(checkout: Checkout, moment: float, total: int) -> psutil.Process:
    """The engine of a new `up`, at the moment when it has recorded this part of `total`."""
    command = checkout.start("up")
    RUNNING[:] = [command]
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert command.poll() is None, command.communicate()[0]
        engine = engine_of(command.pid, "up" if moment else "preview")
        if engine is not None and recorded(checkout) >= moment * total:
            if not moment:  # well into the preview, with its plugins and the program started
                time.sleep(1.5)
            return engine
        time.sleep(0.01)
    raise AssertionError("the moment never came")


def engine_of(command: int, operation: str) -> psutil.Process | None:
    try:
        for child in psutil.Process(command).children():
            if child.name() == "pulumi" and operation in child.cmdline():
                return child
    except psutil.NoSuchProcess:
        pass
    return None


def recorded(checkout: Checkout) -> int:
    """How many resources the states hold; read from the files, which are replaced as a whole."""
    count = 0
    for stack in checkout.states.stacks():
        with suppress(OperationFailed):
            count += len(checkout.export(stack).get("resources") or ())
    return count


def converges(checkout: Checkout, wanted: Json) -> str:
    """The next `up` succeeds, and what exists is what a clean deployment makes, once each."""
    while RUNNING:
        RUNNING.pop().communicate(timeout=60)
    done = checkout.tenancy("local", "up", more=LAST_STATE_ONLY)
    assert done.returncode == 0, done.stderr
    as_wanted(checkout, wanted)
    return done.stderr


def as_wanted(checkout: Checkout, wanted: Json) -> None:
    """What a clean deployment makes is there, once each, and nothing is left of other runs."""
    assert inventory.account_of(checkout) == wanted
    assert locks(checkout) == []
    assert not checkout.export(STACK).get("pending_operations")
    assert processes_of(checkout) == []


def locks(checkout: Checkout) -> list[Path]:
    return [*(checkout.root / ".local/state/.pulumi/locks").rglob("*.json")]


def processes_of(checkout: Checkout) -> list[str]:
    """What still runs of engines, plugins and programs on the checkout's backend."""
    found = []
    for process in psutil.process_iter():
        try:
            backend = process.environ().get("PULUMI_BACKEND_URL", "")
            words = process.cmdline()
            if (
                backend == Layout(checkout.root).backend
                and "localcloud.emulator.server" not in words
            ):
                found.append(" ".join(words))
        except psutil.Error:
            continue
    return found
