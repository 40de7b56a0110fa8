"""The engine's previews as a plan needs them, kept for as long as nothing that they say can change.

A preview compares a program with a state and asks nothing of the cloud. With both unchanged it says
the same again, so `tenancy up` right after `tenancy plan` need not ask for it a second time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from onboarding.engine import Engine
from onboarding.errors import Diagnosis, OperationFailed
from onboarding.events import SAME, Step

_URN = re.compile(r"urn:pulumi:[^'\"\s]+")
_PROTECTED = ("it is protected", "marked for protection")
_NO_CHANGE = (SAME, "read")
_TWICE = "Duplicate resource URN"


@dataclass(frozen=True)
class Preview:
    """What an update of one stack would do.

    Attributes:
        steps: the engine's, one or two for each resource.
        protected: URNs of what it would have to delete or replace, and may not.
        twice: URNs that the program uses for two resources.
    """

    steps: tuple[Step, ...]
    protected: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()

    @property
    def changes(self) -> int:
        """How many resources would change, groups and providers included."""
        return len({step.urn for step in self.steps if step.op not in _NO_CHANGE})

    @property
    def resources(self) -> int:
        """How many resources the update would handle."""
        return len({step.urn for step in self.steps})

    def raise_refused(self, stack: str) -> None:
        """Raise OperationFailed where the engine refuses the update of ``stack``."""
        found = [
            *(Diagnosis(urn, "is protected, and would be deleted") for urn in self.protected),
            *(Diagnosis(urn, "is the name of two resources") for urn in self.twice),
        ]
        if found:
            raise OperationFailed(stack, "preview", tuple(found), "shown above")


def ask(engine: Engine, stack: str, on_step: Callable[[Step], None]) -> Preview:
    """The engine's preview of a stack.

    Raises:
        OperationFailed: it fails for another reason than what a plan refuses.
    """
    steps: list[Step] = []

    def take(step: Step) -> None:
        steps.append(step)
        on_step(step)

    try:
        engine.preview(stack, take)
    except OperationFailed as failure:
        protected = tuple(_urns(failure.diagnoses, _PROTECTED))
        twice = tuple(_urns(failure.diagnoses, (_TWICE,)))
        if not protected and not twice:
            raise
        return Preview(tuple(steps), protected, twice)
    return Preview(tuple(steps))


def _urns(diagnoses: Iterable[Diagnosis], words: tuple[str, ...]) -> Iterable[str]:
    for diagnosis in diagnoses:
        if any(word in diagnosis.message for word in words):
            found = _URN.search(diagnosis.message)
            yield found[0] if found else diagnosis.urn


@dataclass(frozen=True)
class Kept:
    """The folder of previews that were made; deleting it only costs time."""

    folder: Path

    def of(self, stack: str, key: str) -> Preview | None:
        """The stack's preview, if the last one was made of what ``key`` stands for."""
        try:
            told = json.loads((self.folder / f"{stack}.json").read_text("utf-8"))
            if told.pop("key") != key:
                return None
            steps = tuple(
                Step(**{**step, "properties": tuple(step["properties"])}) for step in told["steps"]
            )
            return Preview(steps, tuple(told["protected"]), tuple(told["twice"]))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def keep(self, stack: str, key: str, preview: Preview) -> None:
        """Keep a preview in place of the stack's last one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f"{stack}.json.{os.getpid()}"
        draft.write_text(json.dumps({"key": key, **asdict(preview)}), "utf-8")
        draft.replace(self.folder / f"{stack}.json")


def key_of(*parts: str | bytes) -> str:
    """A digest of all that a preview depends on."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(f"{len(data)}:".encode() + data)
    return found.hexdigest()
