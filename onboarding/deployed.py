"""Remembers, beside the state, what each update that finished deployed, and to which cloud."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finished:
    """An update that came to its end.

    Attributes:
        instance: of the embedded cloud that it deployed to.
        program: a digest of the program and its input.
        state: when the engine wrote the state that it left, ISO 8601.
    """

    instance: str
    program: str = ""
    state: str = ""


@dataclass(frozen=True)
class Deployments:
    """The record `deployed.json`: stack to its last update that finished."""

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def finished(self, stack: str) -> Finished | None:
        """The stack's last update that finished; None when there was none."""
        try:
            return Finished(**self._read()[stack])
        except (KeyError, TypeError):
            return None  # nothing is known then, and the stack is looked at with a refresh

    def of(self, stack: str) -> str | None:
        """The instance that the stack was last deployed to; None when it never was, to its end."""
        found = self.finished(stack)
        return found.instance if found else None

    def note(self, stack: str, finished: Finished) -> None:
        """Remember; a reader sees the record as it was or as it will be, whole."""
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            content = {**self._read(), stack: asdict(finished)}
            draft.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
            draft.replace(self.path)

    def _read(self) -> Mapping[str, Any]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
