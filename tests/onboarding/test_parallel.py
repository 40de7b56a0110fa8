"""Jobs at once: what they return, what they raise, and a Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading

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
