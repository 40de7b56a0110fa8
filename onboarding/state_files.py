"""The states of a file backend, read where they lie: for each the engine would have to start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onboarding.errors import Diagnosis, NoSuchStack, OperationFailed


@dataclass(frozen=True)
class StateFiles:
    """The states of one project's stacks, uncompressed, which the engine replaces as a whole.

    Where they lie and how they are written is in pulumi's pkg/backend/diy/store.go and state.go.

    Attributes:
        backend: the folder that PULUMI_BACKEND_URL names.
        project: the project's name.
    """

    backend: Path
    project: str

    @property
    def folder(self) -> Path:
        """Where the engine keeps a file for each stack, and one of what it was before."""
        return self.backend / ".pulumi" / "stacks" / self.project

    def stacks(self) -> tuple[str, ...]:
        """The names of the project's stacks."""
        return tuple(sorted(file.stem for file in self.folder.glob("*.json")))

    def exported(self, stack: str) -> dict[str, Any]:
        """What `pulumi stack export` prints for the stack.

        Raises:
            OperationFailed: the file is no state; NoSuchStack where there is none.
        """
        file = self.folder / f"{stack}.json"
        try:
            state = json.loads(file.read_bytes())
            return {"version": state["version"], "deployment": state["checkpoint"]["latest"] or {}}
        except FileNotFoundError:
            kind: type[OperationFailed] = NoSuchStack
            told = f"{file} is not there"
        except (OSError, ValueError, LookupError, TypeError) as error:
            kind = OperationFailed
            told = f"{file} is no state: {error!r}"
        raise kind(stack, "reading its state", (Diagnosis("", told),), "shown above")
