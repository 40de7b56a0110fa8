"""Several operations of the engine at once, in threads, and one Ctrl-C for all of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")

_LOOK_EVERY = 0.2  # seconds


def at_once(
    jobs: Mapping[str, Callable[[], Result]],
    interrupt: Callable[[], None],
    tell: Callable[[str], None],
) -> dict[str, Result]:
    """Run all jobs, as many at a time as the machine has cores, and wait for each to end.

    Args:
        jobs: by name; each in a thread of its own.
        interrupt: called at a Ctrl-C, and again at each further one; it makes the jobs end.
        tell: told each failure but the first, which is raised.

    Returns:
        what each job returned, by name, in the order of ``jobs``.

    Raises:
        KeyboardInterrupt: there was a Ctrl-C; all jobs have ended.
    """
    if not jobs:
        return {}
    futures: dict[str, Future[Result]] = {}
    interrupted = False
    # No job begins before all are known: a Ctrl-C in between could leave a thread unknown.
    begin = threading.Event()

    def begun(job: Callable[[], Result]) -> Result:
        begin.wait()
        if interrupted:
            raise CancelledError
        return job()

    with ThreadPoolExecutor(min(len(jobs), os.cpu_count() or 1)) as pool:
        while True:
            try:
                if not interrupted:
                    futures = {name: pool.submit(begun, job) for name, job in jobs.items()}
                begin.set()
                _wait(futures.values())
                break
            except KeyboardInterrupt:
                interrupted = True
                interrupt()
    if interrupted:
        raise KeyboardInterrupt
    failures = [error for future in futures.values() if (error := future.exception())]
    for failure in failures[1:]:
        tell(str(failure))
    if failures:
        raise failures[0]
    return {name: future.result() for name, future in futures.items()}


def _wait(futures: Collection[Future[Result]]) -> None:
    """Until all have ended; with pauses, so that a Ctrl-C is heard whichever thread it meets."""
    while wait(futures, _LOOK_EVERY).not_done:
        pass
