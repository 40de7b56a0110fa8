"""Tells the user, or a log, what goes on: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from onboarding.events import Step

_PLAIN_EVERY = 5.0  # seconds between plain lines: a log should show life, not every resource


class Operation(Protocol):
    """One operation of the engine on one stack, while it goes on."""

    def step(self, step: Step) -> None:
        """A resource is begun or done."""


class Reporter(Protocol):
    """Where progress goes."""

    def say(self, line: str) -> None:
        """One thing worth telling."""

    @contextmanager
    def operation(self, title: str, planned: int | None) -> Iterator[Operation]:
        """An operation begins; `planned` is how many resources it will handle, if known."""
        yield _Silent()


class _Silent:
    def step(self, step: Step) -> None:
        pass


class Silence:
    """For callers that want results only."""

    def say(self, line: str) -> None:
        """Drop it."""

    @contextmanager
    def operation(self, title: str, planned: int | None) -> Iterator[Operation]:
        """Drop it."""
        yield _Silent()


class Live:
    """A progress bar per operation, for a terminal; below each other where they are at once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._shown = 0

    def say(self, line: str) -> None:
        """Print the line, dimmed: what matters comes at the end."""
        self._console.print(line, style="dim", markup=False, highlight=False)

    @contextmanager
    def operation(self, title: str, planned: int | None) -> Iterator[Operation]:
        """Show a bar with the resource that is worked on, until the operation ends."""
        with self._bars() as progress:
            task = progress.add_task(title, total=planned, now="")
            yield _Bar(progress, task)
            progress.update(task, now="")

    @contextmanager
    def _bars(self) -> Iterator[Progress]:
        """The display, one a console: the first operation begins it, the last ends it."""
        with self._lock:
            if self._progress is None:
                self._progress = Progress(
                    TextColumn("{task.description}"),
                    BarColumn(bar_width=24),
                    MofNCompleteColumn(),
                    TimeElapsedColumn(),
                    TextColumn("[dim]{task.fields[now]}"),
                    console=self._console,
                )
                self._progress.start()
            self._shown += 1
            progress = self._progress
        try:
            yield progress
        finally:
            with self._lock:
                self._shown -= 1
                if not self._shown:
                    progress.stop()
                    self._progress = None


class _Bar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._done: set[str] = set()

    def step(self, step: Step) -> None:
        if step.done:
            self._done.add(step.urn)
        self._progress.update(
            self._task,
            completed=len(self._done),
            now=_text(step).replace("[", r"\["),
        )


class Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """Print the line."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def operation(self, title: str, planned: int | None) -> Iterator[Operation]:
        """Say that it begins, now and then how far it is, and how long it took."""
        began = time.monotonic()
        self.say(f"{title} ...")
        counted = _Counted(self, title, planned)
        yield counted
        self.say(f"{title}: {counted.done} resources in {time.monotonic() - began:.1f} s")


class _Counted:
    def __init__(self, lines: Lines, title: str, planned: int | None) -> None:
        self._lines = lines
        self._title = title
        self._of = f"/{planned}" if planned else ""
        self._told = time.monotonic()
        self._seen: set[str] = set()

    @property
    def done(self) -> int:
        return len(self._seen)

    def step(self, step: Step) -> None:
        if step.done:
            self._seen.add(step.urn)
        if time.monotonic() - self._told >= _PLAIN_EVERY:
            self._told = time.monotonic()
            self._lines.say(f"{self._title}: {self.done}{self._of} {_text(step)}")


def _text(step: Step) -> str:
    return f"{step.op} {step.type} {step.name}"


def reporter_for(console: Console) -> Live | Lines:
    """The reporter that suits where the console writes to."""
    return Live(console) if console.is_terminal else Lines(console)
