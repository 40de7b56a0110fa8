"""Runs the `pulumi` command on one project and tells what it does while it does it.

The Automation API would do this too, but for two things: its `up` never previews, which we can
mend, and a Ctrl-C reaches the engine and it at once, where it neither waits nor passes a second
one on, which we cannot. The engine must be able to finish what it began, or things are made in
the cloud that no state knows of.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from onboarding.errors import Diagnosis, OperationFailed
from onboarding.events import Record, Step
from onboarding.orphans import RUN_MARK
from onboarding.state import StackState

_EVERY = 0.05  # seconds between looks at the event log

_NO_SUCH_STACK = "no stack named"

# The engine sums up its errors in a last one, which says nothing that the others did not.
_SUMMING_UP = ("preview failed", "update failed", "refresh failed")


class _AtWork:
    """The engine's processes under way, of all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._interrupted = False

    @contextmanager
    def starting(self) -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
        """While a process is started: an interruption finds it, or keeps it from starting."""
        with self._lock:
            if self._interrupted:
                raise KeyboardInterrupt
            yield self._processes.add

    def ended(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._processes.discard(process)

    def interrupt(self) -> None:
        with self._lock:
            self._interrupted = True
            for process in self._processes:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)


@dataclass(frozen=True)
class Engine:
    """The `pulumi` command in one project's folder.

    The process's environment must already be that of the stacks' backend and cloud.

    Attributes:
        command: the executable.
        root: the project's folder.
        logs: the folder for what the engine prints, a file per stack and operation.
    """

    command: Path
    root: Path
    logs: Path
    _at_work: _AtWork = field(default_factory=_AtWork, init=False, repr=False)

    def interrupt(self) -> None:
        """Ask every operation under way to finish the steps that it is at, and start no other.

        For a caller whose operations run in threads: only the main one hears of a Ctrl-C. A second
        call makes them stop at once.
        """
        self._at_work.interrupt()

    def stacks(self) -> tuple[str, ...]:
        """The names of the project's stacks that the backend knows."""
        return tuple(stack["name"] for stack in json.loads(self._ask("stack", "ls", "--json")))

    def export(self, stack: str) -> StackState | None:
        """The stack's state; None when the backend has no such stack."""
        try:
            return StackState.of(json.loads(self._ask("stack", "export", "--stack", stack)))
        except OperationFailed as failure:
            if any(_NO_SUCH_STACK in diagnosis.message for diagnosis in failure.diagnoses):
                return None
            raise

    def exported(self, stack: str) -> dict[str, Any]:
        """What `pulumi stack export` prints for the stack."""
        found: dict[str, Any] = json.loads(self._ask("stack", "export", "--stack", stack))
        return found

    def replace(self, stack: str, exported: Mapping[str, Any]) -> None:
        """Replace the stack's state by another, as `exported` tells one; nothing in the cloud."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
            json.dump(exported, file)
            file.flush()
            self._ask("stack", "import", "--file", file.name, "--stack", stack)

    def destroy(self, stack: str, urns: tuple[str, ...], on_step: Callable[[Step], None]) -> Record:
        """Delete these resources of the stack, all where none are named. Raises OperationFailed."""
        targets = tuple(word for urn in urns for word in ("--target", urn))
        return self._operate("destroy", stack, ("--yes", "--skip-preview", *targets), on_step)

    def forget(self, stack: str) -> None:
        """Remove a stack that holds nothing any more from the backend; its file stays."""
        self._ask("stack", "rm", "--yes", "--preserve-config", "--stack", stack)

    def move(self, source: str, dest: str, urns: Sequence[str]) -> None:
        """Move resources with all below them from stack to stack, in the states alone."""
        self._ask("state", "move", "--yes", *urns, "--source", source, "--dest", dest)

    def drop(self, stack: str, urn: str) -> None:
        """Remove a resource with all below it from the stack's state, and from nowhere else."""
        dropping = ("--yes", "--force", "--target-dependents")
        self._ask("state", "delete", urn, *dropping, "--stack", stack)

    def init(self, stack: str) -> None:
        """Make the stack in the backend. Writes the stack's file only where it lacks a salt."""
        self._ask("stack", "init", stack, "--no-select")

    def cancel(self, stack: str) -> None:
        """Clear every lock on the stack."""
        self._ask("cancel", "--yes", "--stack", stack)

    def preview(self, stack: str, on_step: Callable[[Step], None]) -> Record:
        """What an update would do. Raises OperationFailed when it would be refused."""
        return self._operate("preview", stack, (), on_step)

    def up(self, stack: str, on_step: Callable[[Step], None]) -> Record:
        """Update, without the preview that must come before it. Raises OperationFailed."""
        return self._operate("up", stack, ("--yes", "--skip-preview"), on_step)

    def refresh(self, stack: str, on_step: Callable[[Step], None]) -> Record:
        """Read every thing back from the cloud, and forget creations that were never recorded.

        Raises OperationFailed.
        """
        arguments = ("--yes", "--skip-preview", "--clear-pending-creates")
        return self._operate("refresh", stack, arguments, on_step)

    def look(self, stack: str, on_step: Callable[[Step], None]) -> Record:
        """Read every thing back from the cloud, and keep the state. Raises OperationFailed."""
        return self._operate("refresh", stack, ("--preview-only",), on_step)

    def _ask(self, *arguments: str) -> str:
        """The standard output of a short command. Raises OperationFailed."""
        answer = subprocess.run(
            [self.command, "--non-interactive", "--color=never", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            message = answer.stderr.strip().removeprefix("error: ")
            stack = arguments[-1] if "--stack" in arguments or "init" in arguments else "all"
            raise OperationFailed(stack, arguments[0], (Diagnosis("", message),), "shown above")
        return answer.stdout

    def _operate(
        self,
        operation: str,
        stack: str,
        arguments: tuple[str, ...],
        on_step: Callable[[Step], None],
    ) -> Record:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{stack}-{operation}.log"
        record = Record()
        with (
            tempfile.NamedTemporaryFile("r", encoding="utf-8", suffix=".events") as events,
            log.open("w", encoding="utf-8") as output,
        ):
            command = [
                str(self.command),
                "--non-interactive",
                "--color=never",
                operation,
                *arguments,
                "--stack",
                stack,
                "--event-log",
                events.name,
            ]
            with self._running(command, output) as process:
                for line in _lines(events, process):
                    record.read(line, on_step)
        if process.returncode != 0:
            raise OperationFailed(stack, operation, _causes(record, log), str(log))
        return record

    @contextmanager
    def _running(self, command: list[str], output: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
        """The engine in a session of its own; however this ends, the engine has ended too.

        A first interruption lets it finish the steps that it is at, a second makes it stop at
        once. Were it in our session, a Ctrl-C would reach it, its plugins and us all at once.
        """
        with self._at_work.starting() as started:
            process = subprocess.Popen(
                command,
                cwd=self.root,
                env={
                    **os.environ,
                    "PULUMI_DEBUG_COMMANDS": "true",  # what --event-log hides behind
                    RUN_MARK: uuid.uuid4().hex,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            started(process)
        try:
            yield process
            process.wait()
        except BaseException:
            _end(process)
            raise
        finally:
            self._at_work.ended(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt the engine and wait for it; each further Ctrl-C is passed on."""
    while process.poll() is None:
        try:
            process.send_signal(signal.SIGINT)
            process.wait()
        except KeyboardInterrupt:
            continue


def _lines(events: IO[str], process: subprocess.Popen[bytes]) -> Iterator[str]:
    """The whole lines of the growing file `events`, until the process that writes it has ended."""
    rest = ""
    while True:
        ended = process.poll() is not None  # asked first: what it wrote before is then all there
        rest += events.read()
        *whole, rest = rest.split("\n")
        yield from whole
        if ended:
            return
        time.sleep(_EVERY)


def _causes(record: Record, log: Path) -> tuple[Diagnosis, ...]:
    """What went wrong; where the engine failed before it told events, the end of its output."""
    causes = tuple(d for d in record.diagnoses if d.message not in _SUMMING_UP)
    if causes:
        return causes
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-8:]
    return (Diagnosis("", "\n    ".join(tail) or "the engine ended without a word"),)
