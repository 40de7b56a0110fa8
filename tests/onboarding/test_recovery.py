"""What is mended before an update, decided from the state, the locks and the cloud's instance."""

from __future__ import annotations

import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from onboarding.recovery import Lock, decide, is_alive, living_holder, read_locks
from tests.onboarding.exports import creating, resource, state

ROLE = resource("aws:iam/role:Role", "acme-iam-reader")
DEPLOYED = state(ROLE)


def lock(pid: int, host: str = "", written: float | None = None) -> Lock:
    return Lock(pid, host or socket.gethostname(), "me", written or time.time())


def write(folder: Path, content: str) -> None:
    path = folder / ".pulumi/locks/organization/tenancy/local"
    path.mkdir(parents=True, exist_ok=True)
    (path / "5c2a.json").write_text(content, encoding="utf-8")


def test_nothing_is_mended_where_nothing_is_wrong() -> None:
    mending = decide(DEPLOYED, (), "one", "one")
    assert (mending.cancel, mending.refresh, mending.reasons) == (False, False, ())


def test_a_stack_that_is_only_initialised_needs_no_mending() -> None:
    assert decide(state(), (), None, "one").reasons == ()


def test_a_dead_runs_lock_is_cleared_and_the_cloud_looked_at() -> None:
    mending = decide(DEPLOYED, (lock(1),), "one", "one")
    assert mending.cancel
    assert mending.refresh
    assert "killed" in mending.reasons[0]


def test_a_lock_on_an_empty_stack_is_only_cleared() -> None:
    mending = decide(state(), (lock(1),), None, "one")
    assert (mending.cancel, mending.refresh) == (True, False)


def test_operations_that_were_never_recorded_need_a_refresh() -> None:
    mending = decide(state(pending=(creating(ROLE),)), (), "one", "one")
    assert mending.refresh
    assert not mending.cancel
    assert ROLE["urn"] in mending.reasons[0]


@pytest.mark.parametrize(("deployed_to", "told"), [("one", "new one"), (None, "did not finish")])
def test_another_cloud_than_the_one_deployed_to_needs_a_refresh(
    deployed_to: str | None, told: str
) -> None:
    mending = decide(DEPLOYED, (), deployed_to, "two")
    assert mending.refresh
    assert told in mending.reasons[0]


def test_locks_are_read_as_the_engine_writes_them(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)
    write(
        tmp_path,
        json.dumps(
            {
                "pid": 4711,
                "username": "me",
                "hostname": "laptop",
                # Go writes nanoseconds and drops zeros at their end.
                "timestamp": "2026-03-01T11:00:00.123456789+01:00",
            }
        ),
    )
    (found,) = read_locks(tmp_path, "tenancy", "local")
    assert (found.pid, found.host, found.user) == (4711, "laptop", "me")
    assert found.written == pytest.approx(at.timestamp() + 0.123456)
    assert read_locks(tmp_path, "tenancy", "local-federal-dhs") == ()


def test_a_lock_that_was_cut_short_is_a_dead_runs(tmp_path: Path) -> None:
    write(tmp_path, '{"pid": 47')
    (found,) = read_locks(tmp_path, "tenancy", "local")
    assert not is_alive(found)


def test_a_holder_lives_when_its_process_does() -> None:
    assert is_alive(lock(os.getpid()))
    assert living_holder((lock(os.getpid()),)) is not None


def test_a_holder_whose_pid_was_given_to_another_process_is_dead() -> None:
    started = psutil.Process().create_time()
    assert not is_alive(lock(os.getpid(), written=started - 60))
    assert living_holder((lock(os.getpid(), written=started - 60),)) is None


def test_a_holder_on_another_host_counts_as_living() -> None:
    assert is_alive(lock(1, host="another-host"))
