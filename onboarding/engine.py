"""The stacks of one project, worked on by the engine through Pulumi's Automation API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from onboarding.errors import Diagnosis, NoSuchStack, OperationFailed
from onboarding.events import Record, Step
from onboarding.state import StackState
from onboarding.state_files import StateFiles

# The engine sums up its errors in a last one, which says nothing that the others did not.
_SUMMING_UP = ("preview failed", "update failed", "refresh failed")


class Engine:
    """The engine on one project's stacks.

    The process's environment must already be that of the stacks' backend and cloud.

    Args:
        command: the `pulumi` executable.
        root: the project's folder.
        logs: the folder for what the engine prints, a file per stack and operation.
        files: the backend's own, where it is a folder of this machine.
    """

    def __init__(
        self, command: Path, root: Path, logs: Path, files: StateFiles | None = None
    ) -> None:
        from onboarding.workspace import Project  # noqa: PLC0415 - every command would wait for it

        self.command = command
        self._files = files
        self._project = Project(command, root, logs)

    def interrupt(self) -> None:
        """Ask every operation under way to finish the steps that it is at, and start no other.

        For a caller whose operations run in threads: only the main one hears of a Ctrl-C. A second
        call makes them stop at once.
        """
        self._project.engine.interrupt()

    def stacks(self) -> tuple[str, ...]:
        """The names of the project's stacks that the backend knows."""
        if self._files:
            return self._files.stacks()
        with _told("all", "stack ls"):
            return tuple(stack.name for stack in self._project.list_stacks())

    def export(self, stack: str) -> StackState | None:
        """The stack's state; None when the backend has no such stack."""
        try:
            return StackState.of(self.exported(stack))
        except NoSuchStack:
            return None

    def exported(self, stack: str) -> dict[str, Any]:
        """What `pulumi stack export` prints for the stack, secrets enciphered."""
        if self._files:
            return self._files.exported(stack)
        found: dict[str, Any] = json.loads(self._ask(stack, "stack", "export", "--stack", stack))
        return found

    def replace(self, stack: str, exported: Mapping[str, Any]) -> None:
        """Replace the stack's state by another, as `exported` tells one; nothing in the cloud."""
        with _told(stack, "stack import"):
            self._project.replace(stack, exported)

    def destroy(self, stack: str, urns: tuple[str, ...], on_step: Callable[[Step], None]) -> Record:
        """Delete these resources of the stack, all where none are named. Raises OperationFailed."""
        destroy = partial(self._project.named(stack).destroy, target=[*urns])
        return self._operate("destroy", stack, destroy, on_step)

    def forget(self, stack: str, *, groups: bool = False) -> None:
        """Remove a stack that holds nothing any more from the backend; its file stays.

        With ``groups`` also one whose state names resources: the caller knows that all of them are
        groups and settings, and nothing in a cloud.
        """
        with _told(stack, "stack rm"):
            self._project.remove_stack(stack, force=groups, preserve_config=True)

    def move(self, source: str, dest: str, urns: Sequence[str]) -> None:
        """Move resources with all below them from stack to stack, in the states alone."""
        moving = ("state", "move", "--yes", *urns, "--source", source, "--dest", dest)
        self._ask(source, *moving)

    def drop(self, stack: str, urn: str) -> None:
        """Remove a resource with all below it from the stack's state, and from nowhere else."""
        dropping = ("--yes", "--force", "--target-dependents", "--stack", stack)
        self._ask(stack, "state", "delete", urn, *dropping)

    def init(self, stack: str) -> None:
        """Make the stack in the backend. Writes the stack's file only where it lacks a salt."""
        with _told(stack, "stack init"):
            self._project.create_stack(stack)

    def cancel(self, stack: str) -> None:
        """Clear every lock on the stack."""
        with _told(stack, "cancel"):
            self._project.named(stack).cancel()

    def preview(self, stack: str, on_step: Callable[[Step], None]) -> Record:
        """What an update would do. Raises OperationFailed when it would be refused."""
        return self._operate("preview", stack, self._project.named(stack).preview, on_step)

    def up(self, stack: str, on_step: Callable[[Step], None]) -> Record:
        """Update, without the preview that must come before it. Raises OperationFailed."""
        return self._operate("up", stack, self._project.named(stack).up, on_step)

    def refresh(self, stack: str, on_step: Callable[[Step], None]) -> Record:
        """Read every thing back from the cloud, and forget creations that were never recorded.

        Raises OperationFailed.
        """
        refresh = partial(self._project.named(stack).refresh, clear_pending_creates=True)
        return self._operate("refresh", stack, refresh, on_step)

    def look(self, stack: str, on_step: Callable[[Step], None]) -> Record:
        """Read every thing back from the cloud, and keep the state. Raises OperationFailed."""
        return self._operate("refresh", stack, self._project.named(stack).preview_refresh, on_step)

    def _ask(self, stack: str, *arguments: str) -> str:
        """The standard output of a short command. Raises OperationFailed."""
        with _told(stack, " ".join(arguments[:2])):
            return self._project.ask(*arguments)

    def _operate(
        self,
        operation: str,
        stack: str,
        operate: Callable[..., object],
        on_step: Callable[[Step], None],
    ) -> Record:
        record = Record()
        log = self._project.engine.log(stack, operation)
        with _told(stack, operation, record, str(log)):
            operate(on_event=partial(record.take, on_step=on_step))
        return record


@contextmanager
def _told(
    stack: str, operation: str, record: Record | None = None, log: str = "shown above"
) -> Iterator[None]:
    """A failure of the engine as one of ours.

    Raises:
        OperationFailed: NoSuchStack where the backend has none of that name.
    """
    from pulumi.automation.errors import CommandError, StackNotFoundError  # noqa: PLC0415

    try:
        yield
    except CommandError as failure:
        kind = NoSuchStack if isinstance(failure, StackNotFoundError) else OperationFailed
        causes = tuple(
            diagnosis
            for diagnosis in (record.diagnoses if record else ())
            if diagnosis.message not in _SUMMING_UP
        )
        raise kind(stack, operation, causes or (_last_words(failure),), log) from failure


def _last_words(failure: Exception) -> Diagnosis:
    """The end of what the engine printed, where it failed before it told events."""
    said = str(failure).rpartition("\n stderr: ")[2].strip().removeprefix("error: ")
    tail = said.splitlines()[-8:]
    return Diagnosis("", "\n    ".join(tail) or "the engine ended without a word")
