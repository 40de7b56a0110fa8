"""Deploys one stack: mends what a killed run left, previews, then updates."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.emulator.lifecycle import Cloud
from localcloud.paths import Layout
from onboarding import orphans, previews, recovery
from onboarding.busy import Holder, when_free
from onboarding.deployed import Deployments, Finished
from onboarding.engine import Engine
from onboarding.previews import Preview
from onboarding.progress import Reporter
from onboarding.state import StackState
from onboarding.summary import StackSummary


class Unfinished(Exception):
    """Operations began and were never recorded, on a cloud that may hold their results."""


@dataclass(frozen=True)
class Updated:
    """A stack after its update: what was done, and its state as `Engine.exported` tells it."""

    summary: StackSummary
    exported: Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """What stacks are deployed with and to.

    Attributes:
        engine: in the environment of the backend and cloud.
        project: the Pulumi project's name.
        layout: where the embedded stacks' backend is; None for a user's own backend.
        cloud: the embedded cloud that runs; None where there is none.
        deployments: the record of which stack went to which instance.
    """

    engine: Engine
    project: str
    layout: Layout | None
    cloud: Cloud | None
    deployments: Deployments | None

    @property
    def instance(self) -> str:
        """The embedded cloud's id; empty where there is none."""
        return self.cloud.instance if self.cloud else ""

    def holds(self, stack: str) -> bool:
        """Whether the embedded cloud that runs is the one that the stack was last deployed to."""
        return bool(self.deployments and self.deployments.of(stack) == self.instance)

    @property
    def endpoint(self) -> str:
        """The embedded cloud's URL; empty where there is none."""
        return self.cloud.endpoint if self.cloud else ""


def deploy(
    target: Target,
    stack: str,
    reporter: Reporter,
    *,
    preview: Preview | None = None,
    program: str = "",
) -> Updated:
    """Bring one stack, which is mended, to what the files say.

    Args:
        target: what it is deployed with and to.
        stack: its name.
        reporter: where progress goes.
        preview: what the engine said before that it would do; None: it is asked now.
        program: a digest of the program and its input.

    Raises:
        OperationFailed: the engine refused or failed; after a failed preview nothing has changed.
    """
    began = time.monotonic()
    engine = target.engine
    if preview is None:
        with reporter.operation(f"{stack}: preview", None) as shown:
            preview = previews.ask(engine, stack, shown.step)
        preview.raise_refused(stack)
    # Also when the preview found nothing to change: what components say of themselves (claims,
    # summary) is no change to the engine, but must be in the state.
    with reporter.operation(
        f"{stack}: update, {_count(preview.changes, 'change')}", preview.resources or None
    ) as shown:
        update = engine.up(stack, shown.step)
    exported = engine.exported(stack)
    state = StackState.of(exported)
    if target.deployments:
        target.deployments.note(stack, Finished(target.instance, program, state.updated))
    summary = StackSummary(
        stack=stack,
        changes=dict(update.changes),
        resources=len(state.in_cloud),
        mended=(),
        seconds=round(time.monotonic() - began, 1),
    )
    return Updated(summary, exported)


def is_held(target: Target, stack: str) -> bool:
    """Whether there is a lock on an embedded stack, of a living run or of a dead one."""
    layout = target.layout
    return bool(layout and recovery.read_locks(layout.state, target.project, stack))


def mend(
    target: Target, stack: str, reporter: Reporter, state: StackState | None = None
) -> tuple[str, ...]:
    """Make the stack one that an update can start from. Returns what was wrong with it.

    Args:
        target: what it is deployed with and to.
        stack: its name.
        reporter: where progress goes.
        state: its state, where it was read while nobody held the stack; None: it is asked for.

    Raises:
        Busy: another run holds the stack.
        Unfinished: a run was killed, and nobody can say what it left in the user's cloud.
        OperationFailed: the engine refused or failed.
    """
    engine = target.engine
    if target.layout is None:
        return _mend_elsewhere(engine, stack, state)
    locks = _abandoned_locks(target, target.layout, stack, reporter)
    ended = orphans.end(orphans.find_orphans(target.layout.backend))
    if ended:
        reporter.say(f"{stack}: ended {_count(ended, 'process')} of a run that was killed")
    state = state or engine.export(stack)
    if state is None:
        engine.init(stack)
        return ()
    last = target.deployments.of(stack) if target.deployments else None
    mending = recovery.decide(state, locks, last, target.instance)
    for reason in mending.reasons:
        reporter.say(f"{stack}: {reason}")
    if mending.cancel:
        engine.cancel(stack)
    if mending.refresh:
        with reporter.operation(f"{stack}: reading back", len(state.resources)) as shown:
            engine.refresh(stack, shown.step)
    return mending.reasons


def _mend_elsewhere(engine: Engine, stack: str, state: StackState | None) -> tuple[str, ...]:
    state = state or engine.export(stack)
    if state is None:
        engine.init(stack)
    elif state.pending:
        raise Unfinished(
            f"stack {stack}: {_count(len(state.pending), 'operation')} began and did not end:"
            f" {state.pending[0]}\n"
            f"  remedy: see whether it was made, tell the engine with"
            f" `pulumi refresh --stack {stack}`, and run this again"
        )
    return ()


def _abandoned_locks(
    target: Target, layout: Layout, stack: str, reporter: Reporter
) -> tuple[recovery.Lock, ...]:
    """The locks on the stack once no living run holds it. Raises Busy."""

    def look() -> tuple[tuple[recovery.Lock, ...], Holder | None]:
        locks = recovery.read_locks(layout.state, target.project, stack)
        alive = recovery.living_holder(locks)
        return locks, Holder(alive.pid, alive.holder) if alive else None

    return when_free(look, f"stack {stack}", lambda line: reporter.say(f"{stack}: {line}"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"
