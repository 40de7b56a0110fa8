"""What commands found out about an environment, kept for `tenancy status`: the proof, the drift."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROOF, DRIFT = "proof", "drift"


@dataclass(frozen=True)
class Noted:
    """The notes on one environment; deleting them only makes `status` say less.

    Attributes:
        path: the file.
    """

    path: Path

    @classmethod
    def of(cls, home: Path, environment: str) -> Noted:
        """The environment's notes in the project's ignored folder."""
        return cls(home / "noted" / f"{environment}.json")

    def note(self, what: str, found: Mapping[str, Any]) -> None:
        """Remember what was found just now; a reader sees the notes whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        content = {**self._read(), what: {**found, "at": time.time()}}
        draft.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
        draft.replace(self.path)

    def found(self, what: str) -> Mapping[str, Any] | None:
        """What was found last, with when, in seconds since 1970, as `at`; None when nothing was."""
        found = self._read().get(what)
        return found if isinstance(found, Mapping) and "at" in found else None

    def _read(self) -> Mapping[str, Any]:
        try:
            content = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
