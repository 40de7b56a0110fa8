"""Runs the engine for Pulumi's Automation API, out of reach of what befalls the caller.

The API's own command is in the caller's session, and its output is a pipe to it. A Ctrl-C reaches
the engine, its plugins and the caller at once, and the caller then does not wait; a caller that is
killed takes the engine with it, in the middle of an update. Either way things are made in the cloud
that no state knows of.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from localcloud.engine import wanted_version
from onboarding.orphans import RUN_MARK

Heard = Callable[[str], Any]


class DetachedCommand(PulumiCommand):
    """The `pulumi` command, each run of it in a session of its own with files for its output.

    However a run ends, the engine has ended too, unless this process is killed. A first Ctrl-C lets
    it finish the steps that it is at, a second makes it stop at once.

    Args:
        command: the executable; set-up made sure that it is of the SDK's version or newer, and so
            its version is not asked for again.
        logs: the folder for what operations print, a file per stack and operation.
    """

    def __init__(self, command: Path, logs: Path) -> None:
        self.command = str(command)
        self.version = VersionInfo.parse(str(wanted_version()))
        self._logs = logs
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._interrupted = False

    def interrupt(self) -> None:
        """Do to all runs, of all threads, what a Ctrl-C does; none starts any more."""
        with self._lock:
            self._interrupted = True
            for process in self._processes:
                _interrupt(process)

    def log(self, stack: str, operation: str) -> Path:
        """The file for what an operation on a stack prints."""
        return self._logs / f"{stack}-{operation}.log"

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Heard | None = None,
        on_error: Heard | None = None,
    ) -> CommandResult:
        """Run `pulumi`; of an operation, all that it printed counts as both of its outputs.

        Raises:
            CommandError: it failed.
        """
        with self._outputs(args) as (output, errors):
            process = self._start(args, cwd, additional_env, output, errors)
            try:
                process.wait()
            except BaseException:
                _end(process)
                raise
            finally:
                with self._lock:
                    self._processes.discard(process)
            said = _heard(output, on_output), _heard(errors, on_error)
        result = CommandResult(*said, process.returncode)
        if result.code:
            raise create_command_error(result)
        return result

    @contextmanager
    def _outputs(self, args: Sequence[str]) -> Iterator[tuple[IO[str], IO[str]]]:
        """The files for standard output and error: of an operation, which tells events, the log."""
        if "--event-log" not in args:
            with (
                tempfile.TemporaryFile("w+", encoding="utf-8") as output,
                tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
            ):
                yield output, errors
            return
        self._logs.mkdir(parents=True, exist_ok=True)
        path = self.log(args[args.index("--stack") + 1], args[0])
        with path.open("w+", encoding="utf-8", errors="replace") as log:
            yield log, log

    def _start(
        self,
        args: Sequence[str],
        cwd: str,
        additional_env: Mapping[str, str],
        output: IO[str],
        errors: IO[str],
    ) -> subprocess.Popen[bytes]:
        with self._lock:  # an interruption finds the process, or keeps it from starting
            if self._interrupted:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                [self.command, "--non-interactive", "--color=never", *args],
                cwd=cwd,
                env={
                    **os.environ,
                    **additional_env,
                    "PULUMI_AUTOMATION_API": "true",
                    RUN_MARK: uuid.uuid4().hex,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            self._processes.add(process)
        return process


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt the engine and wait for it; each further Ctrl-C is passed on."""
    while process.poll() is None:
        try:
            _interrupt(process)
            process.wait()
        except KeyboardInterrupt:
            continue


def _heard(file: IO[str], listener: Heard | None) -> str:
    """All that was written to the file, told to the listener by lines."""
    file.seek(0)
    text = file.read()
    if listener:
        for line in text.splitlines():
            listener(line)
    return text
