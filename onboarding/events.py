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

State = Mapping[str, Any]
"""A resource's `inputs`, `outputs` and such; in place of secrets stands a word."""


@dataclass(frozen=True)
class Step:
    """One resource about to be handled, or handled.

    Attributes:
        op: the engine's word: `create`, `update`, `same`, `delete`, `replace`, `refresh`, ...
        done: whether the step is over. A component is done twice: once it is registered, and
            again with its outputs.
        properties: the names of those that differ; none where the whole resource comes or goes.
    """

    urn: str
    op: str
    type: str
    name: str
    done: bool
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handled:
    """One resource after its step.

    Attributes:
        op: the engine's word; of a refresh `same` also where only what the cloud computes differs.
        before, after: its state; None for no state.
    """

    op: str
    before: State | None
    after: State | None


@dataclass
class Record:
    """What one operation of the engine told so far.

    Attributes:
        changes: how many resources per kind of operation, `same` included; known at the end.
        diagnoses: its errors, each once.
        warnings: its warnings, each once.
        handled: URN -> what became of the resource in the end.
    """

    changes: Counter[str] = field(default_factory=Counter)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    handled: dict[str, Handled] = field(default_factory=dict)

    def read(self, line: str, on_step: Callable[[Step], None]) -> None:
        """Take in one line of the log; kinds of event that we have no use for are skipped."""
        event: Mapping[str, Any] = json.loads(line)
        if begun := event.get("resourcePreEvent"):
            on_step(_step(begun["metadata"], done=False))
        elif ended := event.get("resOutputsEvent"):
            told = ended["metadata"]
            self.handled[told["urn"]] = Handled(told["op"], told.get("old"), told.get("new"))
            on_step(_step(told, done=True))
        elif diagnostic := event.get("diagnosticEvent"):
            self._take(diagnostic)
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
    differing = metadata.get("diffs") or metadata.get("detailedDiff") or ()
    properties = tuple(sorted({_top(path) for path in differing}))
    return Step(metadata["urn"], metadata["op"], token, name, done, properties)


def _top(path: str) -> str:
    """The property that a path is in: `rules` of `rules[0].action`."""
    return path.split(".", 1)[0].split("[", 1)[0]


def changed(changes: Mapping[str, int]) -> int:
    """How many resources an operation changed or would change."""
    return sum(count for op, count in changes.items() if op != SAME)
