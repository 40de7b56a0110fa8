"""Processes that a killed engine left behind, found and ended.

The engine gives its plugins process groups of their own, so they and the program outlive it: they
would go on changing the cloud while the next run does.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from localcloud.processes import ProcessIdentity, wait_until

RUN_MARK = "TENANCY_RUN"
"""The environment variable that everything carries which an engine of ours started."""

_BACKEND = "PULUMI_BACKEND_URL"

_OUR_PLUGINS = ("localcloud.aws_plugin", "localcloud.language_host")
_OFFICIAL_PLUGINS = ("pulumi-language-", "pulumi-resource-")


def is_engine(process: psutil.Process) -> bool:
    """Whether the process is a `pulumi` command."""
    try:
        return process.name() == "pulumi"
    except psutil.Error:
        return False


def find_orphans(backend: str) -> tuple[ProcessIdentity, ...]:
    """The plugins and programs of engines that are gone.

    Args:
        backend: the URL of the backend that those engines used; others' processes are left alone.
    """
    return tuple(
        ProcessIdentity(process.pid, process.create_time())
        for process in psutil.process_iter()
        if _is_orphan(process, backend)
    )


def _is_orphan(process: psutil.Process, backend: str) -> bool:
    try:
        environment = process.environ()
        if environment.get(_BACKEND) != backend or is_engine(process):
            return False
        started_by_engine = RUN_MARK in environment or _is_plugin(process)
        return started_by_engine and not any(map(is_engine, process.parents()))
    except psutil.Error:  # ended meanwhile, or another user's: not one of ours
        return False


def _is_plugin(process: psutil.Process) -> bool:
    """Whether the command line is a plugin's: what a user's own `pulumi up` started has no mark."""
    words = process.cmdline()
    return any(word in _OUR_PLUGINS for word in words) or any(
        Path(word).name.startswith(_OFFICIAL_PLUGINS) for word in words[:1]
    )


def find_engines(backend: str) -> tuple[ProcessIdentity, ...]:
    """Engines that commands of ours started, to be asked by one that knows itself to be alone."""
    return tuple(
        ProcessIdentity(process.pid, process.create_time())
        for process in psutil.process_iter()
        if is_engine(process) and _is_ours(process, backend)
    )


def _is_ours(process: psutil.Process, backend: str) -> bool:
    try:
        environment = process.environ()
    except psutil.Error:
        return False
    return RUN_MARK in environment and environment.get(_BACKEND) == backend


def end(orphans: Iterable[ProcessIdentity]) -> int:
    """Kill them: nobody is left to hear what they still could say. Returns how many there were.

    A call that they have sent to the cloud may still take effect; the next run finds that out by
    a refresh and by adopting what exists.
    """
    running = [(orphan, process) for orphan in orphans if (process := orphan.process())]
    for _, process in running:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until(lambda: not any(orphan.process() for orphan, _ in running), patience=5)
    return len(running)
