"""What must be mended before a stack can be updated, decided from what can be observed.

A run that was killed leaves a lock, plugins that live on, things that were made and not recorded.
An embedded cloud that was lost (a reboot) leaves a state that describes nothing. Neither is an
error to its user: the next run mends it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from onboarding.state import StackState

# Engines write the lock within moments of their start; a process that started later than this
# after the lock was written is another that was given the same pid.
_CLOCK_SLACK_SECONDS = 2.0


@dataclass(frozen=True)
class Lock:
    """Who holds a stack of the file backend, as its lock file tells.

    Attributes:
        written: when, in seconds since 1970.
    """

    pid: int
    host: str
    user: str
    written: float

    @property
    def holder(self) -> str:
        """Who holds it, for a message."""
        at = datetime.fromtimestamp(self.written).astimezone()
        return f"process {self.pid} of {self.user} on {self.host}, since {at:%H:%M:%S}"


@dataclass(frozen=True)
class Mending:
    """What to do before the update of one stack, and why, told to the user.

    Attributes:
        cancel: the lock is a dead run's: clear it.
        refresh: read every thing back from the cloud and forget what was never recorded.
        reasons: a line for each; empty when nothing is to be mended.
    """

    cancel: bool = False
    refresh: bool = False
    reasons: tuple[str, ...] = ()


def read_locks(state: Path, project: str, stack: str) -> tuple[Lock, ...]:
    """The locks on `stack` in the file backend whose folder is `state`.

    A lock that vanishes or is being written while it is read is nobody's yet.
    """
    folder = state / ".pulumi" / "locks" / "organization" / project / stack
    return tuple(lock for path in sorted(folder.glob("*.json")) if (lock := _read_lock(path)))


def _read_lock(path: Path) -> Lock | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Lock(
            pid=int(content["pid"]),
            host=content["hostname"],
            user=content["username"],
            written=datetime.fromisoformat(content["timestamp"]).timestamp(),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError):
        # Cut short by the kill: pid 0 never is a run's, and so the lock counts as a dead one's.
        return Lock(pid=0, host=socket.gethostname(), user="nobody", written=0.0)


def is_alive(lock: Lock) -> bool:
    """Whether the lock's holder still runs. On another host that cannot be known: then it does."""
    if lock.host != socket.gethostname():
        return True
    if lock.pid == 0:
        return False
    try:
        process = psutil.Process(lock.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.create_time() <= lock.written + _CLOCK_SLACK_SECONDS
    except psutil.NoSuchProcess:
        return False


def living_holder(locks: tuple[Lock, ...], alive: Callable[[Lock], bool] = is_alive) -> Lock | None:
    """The first lock whose holder still runs."""
    return next((lock for lock in locks if alive(lock)), None)


def decide(
    state: StackState, locks: tuple[Lock, ...], deployed_to: str | None, cloud: str
) -> Mending:
    """What to mend in a stack that nobody is working on.

    Args:
        state: the stack's state.
        locks: the locks on it, all of dead runs.
        deployed_to: the instance of the embedded cloud that the last finished run deployed to;
            None when no run ever finished.
        cloud: the instance that runs now.
    """
    reasons = [f"a run was killed and left its lock: {lock.holder}" for lock in locks]
    interrupted = _interruption(state)
    if interrupted:
        reasons.append(interrupted)
    elsewhere = bool(state.in_cloud) and deployed_to != cloud
    if elsewhere:
        reasons.append(
            "the first run did not finish"
            if deployed_to is None
            else "the embedded cloud is a new one: what the state describes is gone"
        )
    # A lock alone is reason enough to look: its run may have died between making a thing and
    # writing that it would.
    refresh = bool(interrupted) or elsewhere or (bool(locks) and bool(state.in_cloud))
    return Mending(cancel=bool(locks), refresh=refresh, reasons=tuple(reasons))


def _interruption(state: StackState) -> str:
    if not state.pending:
        return ""
    count = len(state.pending)
    return f"{count} operation{'s' * (count != 1)} began and did not end: {state.pending[0]}"
