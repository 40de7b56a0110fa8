"""Servers that outlive the command that started them: each has a record, and is ended by its id.

A record is a claim, never trusted by itself: the process must be the same one (pid and start time),
must have been started with the same configuration, and must answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from localcloud.errors import LocalCloudError
from localcloud.processes import ProcessIdentity, wait_until

# They are meant to outlive this process; forgetting the handle of a running one would make Python
# warn.
_started: list[subprocess.Popen[bytes]] = []


class Running(Protocol):
    """What starting a server gives: its process, and its TCP port on 127.0.0.1."""

    @property
    def process(self) -> ProcessIdentity:
        """Which process it is."""

    @property
    def port(self) -> int:
        """Where it listens."""


@dataclass(frozen=True)
class Kept:
    """A server that was found or started.

    Attributes:
        process, port: as of ``Running``.
        configuration: a hash of what it was started with.
    """

    process: ProcessIdentity
    port: int
    configuration: str

    @classmethod
    def read(cls, record: Path) -> Kept | None:
        """What the file says; None when there is none, or none that can be read."""
        try:
            given = json.loads(record.read_text(encoding="utf-8"))
            return cls(
                ProcessIdentity(int(given["pid"]), float(given["create_time"])),
                int(given["port"]),
                str(given["configuration"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, record: Path) -> None:
        """Replace the file; a reader sees the old one or the new one, whole."""
        content = {
            **asdict(self.process),
            "port": self.port,
            "configuration": self.configuration,
        }
        draft = record.with_name(f"{record.name}.{os.getpid()}")
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(record)


def ensure(
    record: Path,
    configuration: object,
    start: Callable[[int], Running],
    answers: Callable[[int], bool],
) -> Kept:
    """The server of the record if it runs, was configured the same and answers; else a new one.

    Args:
        record: the file that says which process it is.
        configuration: what the server is started with, as something that JSON has.
        start: called with the port that is preferred, 0 for any: what was printed stays true.
        answers: called with a port, whether the server there is well.
    """
    text = json.dumps(configuration, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    before = Kept.read(record)
    if (
        before is not None
        and before.configuration == digest
        and before.process.process() is not None
        and answers(before.port)
    ):
        return before
    if before is not None:
        before.process.end()
    running = start(before.port if before else 0)
    kept = Kept(running.process, running.port, digest)
    kept.write(record)
    return kept


@dataclass(frozen=True)
class Program:
    """What is started as a server.

    Attributes:
        name: what it is called in front of the user.
        command: its words.
        environment: all that it gets of variables.
        ready: what its log says when it is.
        patience: seconds that it may take until then.
        as_account: more for ``subprocess.Popen``: whom it runs as, and where.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str]
    ready: re.Pattern[str]
    patience: float
    as_account: Mapping[str, Any] = field(default_factory=dict)


def launch(program: Program, log: Path) -> tuple[ProcessIdentity, re.Match[str]]:
    """Start a server that outlives the caller, and wait until its log says that it is ready.

    It is in a session of its own: a Ctrl-C in the terminal spares it.

    Args:
        program: what is started.
        log: begun anew; both of its outputs.

    Returns:
        the process, and what ``program.ready`` found.

    Raises:
        LocalCloudError: it ended, or did not get ready in time; nothing of it runs then.
    """
    with log.open("wb") as output:
        started = subprocess.Popen(
            program.command,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **program.as_account,
        )
    _started.append(started)
    process, said = ProcessIdentity.of(started.pid), None
    try:
        # What it said before it ended counts for nothing.
        wait_until(
            lambda: started.poll() is not None or _said(log, program.ready) is not None,
            program.patience,
        )
        said = _said(log, program.ready) if started.poll() is None else None
    finally:  # an interruption leaves nothing running, too
        if said is None:
            process.end()
            started.wait()
    if said is None:
        raise LocalCloudError(f"{program.name} did not start", f"read its log, {log}")
    return process, said


def _said(log: Path, ready: re.Pattern[str]) -> re.Match[str] | None:
    return ready.search(log.read_text(errors="replace"))
