"""Jobs at once: what they return, what they raise, and a Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from onboarding.parallel import at_once


def nothing() -> None:
    pass


def test_all_jobs_return_by_name_in_their_order() -> None:
    jobs = {"b": lambda: 1, "a": lambda: 2}
    assert list(at_once(jobs, nothing, print).items()) == [("b", 1), ("a", 2)]
    assert at_once({}, nothing, print) == {}


def test_the_first_failure_is_raised_when_all_have_ended_and_others_are_told() -> None:
    ended = []
    told: list[str] = []

    def fail(name: str) -> None:
        ended.append(name)
        raise ValueError(name)

    jobs = {name: lambda name=name: fail(name) for name in ("one", "two", "three")}
    with pytest.raises(ValueError, match="one"):
        at_once(jobs, nothing, told.append)
    assert sorted(ended) == ["one", "three", "two"]
    assert told == ["two", "three"]


@pytest.fixture
def hearing_ctrl_c() -> Iterator[None]:
    """As the command hears it: a script's background job is started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hearing_ctrl_c")
def test_a_ctrl_c_interrupts_the_jobs_and_waits_for_them() -> None:
    interrupted = threading.Event()
    ended = []

    def job() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted.wait(20)
        ended.append("job")

    with pytest.raises(KeyboardInterrupt):
        at_once({"job": job}, interrupted.set, print)
    assert ended == ["job"]
