"""A project and its stacks as Pulumi's Automation API has them, without what harms or only costs.

Several stacks are worked on at once, and the one that the user selected stays selected.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pulumi.automation import Deployment, LocalWorkspace, OutputMap, Stack, UpdateSummary
from pulumi.automation._stack import StackInitMode  # what a subclass of Stack has to name

from onboarding.detached import DetachedCommand

_NOT_ASKED = UpdateSummary("", datetime.min, "", {}, {}, "")  # noqa: DTZ901 - nobody reads it


class Project(LocalWorkspace):
    """The project in one folder, in the process's environment. It never selects a stack.

    Args:
        command: the `pulumi` executable.
        root: the project's folder.
        logs: the folder for what the engine prints.
    """

    def __init__(self, command: Path, root: Path, logs: Path) -> None:
        self.engine = DetachedCommand(command, logs)
        super().__init__(work_dir=str(root), pulumi_command=self.engine)

    def named(self, name: str) -> Stack:
        """A stack to work on; whether there is one, its first operation finds out."""
        return _Unasked(name, self, StackInitMode.SELECT)

    def ask(self, *arguments: str) -> str:
        """The standard output of a `pulumi` command that the API has no method for."""
        return self.engine.run([*arguments], self.work_dir, {}).stdout

    def replace(self, stack: str, exported: Mapping[str, Any]) -> None:
        """Replace the stack's state by another, as `pulumi stack export` prints one."""
        self.import_stack(stack, Deployment(exported["version"], exported["deployment"]))

    def select_stack(self, stack_name: str) -> None:
        """Nothing: every command says which stack it is for."""

    def create_stack(self, stack_name: str) -> None:
        """Make the stack in the backend, and leave the selection as it is."""
        self.ask("stack", "init", stack_name, "--no-select")


class _Unasked(Stack):
    """A stack that is not asked what an operation left: who needs that exports its state, once.

    Pulumi's own asks for the outputs twice after each update, and for the history after each
    operation: 0.9 s in sum.
    """

    def outputs(self) -> OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:  # noqa: FBT001, FBT002
        return _NOT_ASKED
