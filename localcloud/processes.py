"""Processes that outlive the command that started them, and locks between commands."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

# The kernel counts a process's start in ticks since boot, and the boot time that is added to it
# moves when the clock is corrected.  Two seconds cover that; a pid is not recycled so soon.
_SAME_START_SECONDS = 2.0


@dataclass(frozen=True)
class ProcessIdentity:
    """One process for certain: a pid alone may have been given to another process since.

    Attributes:
        pid: the process id.
        create_time: when it started, in seconds since 1970 (as psutil tells it).
    """

    pid: int
    create_time: float

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """The identity of a running process; raises psutil.NoSuchProcess when there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The process when it still runs, else None (gone, a zombie, or the pid is another's)."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            same = abs(process.create_time() - self.create_time) < _SAME_START_SECONDS
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None
        return process if same else None

    def end(self, patience: float = 5.0, by: signal.Signals = signal.SIGTERM) -> bool:
        """Ask the process to end, with the signal `by`, and after `patience` seconds make it.

        Returns:
            whether there was a process to end.
        """
        process = self.process()
        if process is None:
            return False
        with suppress(psutil.NoSuchProcess):  # it may end by itself in between
            process.send_signal(by)
            # Not psutil's wait: where nothing reaps orphans (a container), it waits for zombies.
            if not wait_until(lambda: self.process() is None, patience):
                process.kill()
                wait_until(lambda: self.process() is None, patience)
        return True


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file `path`, so that of two commands at once only one does the work.

    The kernel drops the lock with its holder, however that one ends: no stale locks.

    Args:
        path: the lock file; made when absent, never removed (removing it would let two in).
        waiting: called once if another process holds the lock, before waiting for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def wait_until(done: Callable[[], bool], patience: float, every: float = 0.05) -> bool:
    """Whether `done()` became true within `patience` seconds."""
    deadline = time.monotonic() + patience
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
