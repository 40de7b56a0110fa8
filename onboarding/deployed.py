"""Remembers, beside the state, which instance of the embedded cloud a stack was deployed to."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Deployments:
    """The record `deployed.json`: stack to instance, written after each update that finished."""

    path: Path

    def of(self, stack: str) -> str | None:
        """The instance that the stack was last deployed to; None when it never was, to its end."""
        return self._read().get(stack)

    def note(self, stack: str, instance: str) -> None:
        """Remember; a reader sees the record as it was or as it will be, whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        draft.write_text(json.dumps(self._read() | {stack: instance}, indent=2) + "\n", "utf-8")
        draft.replace(self.path)

    def _read(self) -> dict[str, str]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}  # nothing is known then, and each stack is looked at with a refresh
        return content if isinstance(content, dict) else {}
