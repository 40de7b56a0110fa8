"""The engine's events, reduced to what we show and decide on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onboarding.errors import Diagnosis
from onboarding.state import split_urn

if TYPE_CHECKING:  # every command would wait for it
    from pulumi.automation.events import (
        DiagnosticEvent,
        EngineEvent,
        StepEventMetadata,
        StepEventStateMetadata,
    )

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

    def take(self, event: EngineEvent, on_step: Callable[[Step], None]) -> None:
        """Take in one event; kinds that we have no use for are skipped."""
        if begun := event.resource_pre_event:
            on_step(_step(begun.metadata, done=False))
        elif ended := event.res_outputs_event:
            told = ended.metadata
            self.handled[told.urn] = Handled(told.op.value, _state(told.old), _state(told.new))
            on_step(_step(told, done=True))
        elif diagnostic := event.diagnostic_event:
            self._diagnose(diagnostic)
        elif summary := event.summary_event:
            self.changes.update(summary.resource_changes or {})

    def _diagnose(self, told: DiagnosticEvent) -> None:
        message = told.message.strip()
        if told.severity == "warning" and message not in self.warnings:
            self.warnings.append(message)
        if told.severity != "error":
            return
        diagnosis = Diagnosis(told.urn or "", message.removeprefix("error: "))
        if message and diagnosis not in self.diagnoses:
            self.diagnoses.append(diagnosis)


def _state(told: StepEventStateMetadata | None) -> State | None:
    return vars(told) if told else None


def _step(metadata: StepEventMetadata, *, done: bool) -> Step:
    token, name = split_urn(metadata.urn)
    differing = metadata.diffs or metadata.detailed_diff or ()
    properties = tuple(sorted({_top(path) for path in differing}))
    return Step(metadata.urn, metadata.op.value, token, name, done, properties)


def _top(path: str) -> str:
    """The property that a path is in: `rules` of `rules[0].action`."""
    return path.split(".", 1)[0].split("[", 1)[0]


def changed(changes: Mapping[str, int]) -> int:
    """How many resources an operation changed or would change."""
    return sum(count for op, count in changes.items() if op != SAME)
