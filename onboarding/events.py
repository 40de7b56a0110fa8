"""The engine's event log, one JSON object a line, reduced to what we show and decide on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onboarding.errors import Diagnosis
from onboarding.state import split_urn

SAME = "same"


@dataclass(frozen=True)
class Step:
    """One resource about to be handled, or handled.

    Attributes:
        op: the engine's word: `create`, `update`, `same`, `delete`, `replace`, `refresh`, ...
        done: whether the step is over. A component is done twice: once it is registered, and
            again with its outputs.
    """

    urn: str
    op: str
    type: str
    name: str
    done: bool


@dataclass
class Record:
    """What one operation of the engine told so far.

    Attributes:
        changes: how many resources per kind of operation, `same` included; known at the end.
        diagnoses: its errors, each once.
        warnings: its warnings, each once.
    """

    changes: Counter[str] = field(default_factory=Counter)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def read(self, line: str, on_step: Callable[[Step], None]) -> None:
        """Take in one line of the log; kinds of event that we have no use for are skipped."""
        event: Mapping[str, Any] = json.loads(line)
        if begun := event.get("resourcePreEvent"):
            on_step(_step(begun["metadata"], done=False))
        elif ended := event.get("resOutputsEvent"):
            on_step(_step(ended["metadata"], done=True))
        elif told := event.get("diagnosticEvent"):
            self._take(told)
        elif summary := event.get("summaryEvent"):
            self.changes.update(summary.get("resourceChanges") or {})

    def _take(self, told: Mapping[str, Any]) -> None:
        message = told.get("message", "").strip()
        if told.get("severity") == "warning" and message not in self.warnings:
            self.warnings.append(message)
        if told.get("severity") != "error":
            return
        diagnosis = Diagnosis(told.get("urn", ""), message.removeprefix("error: "))
        if message and diagnosis not in self.diagnoses:
            self.diagnoses.append(diagnosis)


def _step(metadata: Mapping[str, Any], *, done: bool) -> Step:
    token, name = split_urn(metadata["urn"])
    return Step(metadata["urn"], metadata["op"], token, name, done)


def changed(changes: Mapping[str, int]) -> int:
    """How many resources an operation changed or would change."""
    return sum(count for op, count in changes.items() if op != SAME)
