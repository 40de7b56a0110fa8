"""Deploys one stack: mend what a killed run left, preview, then update."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from localcloud.emulator.lifecycle import Cloud
from onboarding import orphans, recovery
from onboarding.deployed import Deployments
from onboarding.engine import Engine
from onboarding.events import changed
from onboarding.progress import Reporter
from onboarding.state import StackState
from onboarding.summary import StackSummary, TenantSummary, tenants_of

_HOLDER_PATIENCE = 600.0  # seconds; a living run of a local stack takes a minute or two
_LOOK_EVERY = 0.5


class Busy(Exception):
    """Another living run holds the stack, and did not let go of it in time."""


@dataclass(frozen=True)
class Target:
    """What stacks are deployed with and to.

    Attributes:
        engine: in the environment of the backend and cloud.
        backend: the folder of the file backend.
        project: the Pulumi project's name.
        cloud: the embedded cloud that runs.
        deployments: the record of which stack went to which instance.
    """

    engine: Engine
    backend: Path
    project: str
    cloud: Cloud
    deployments: Deployments


def deploy(
    target: Target, stack: str, reporter: Reporter
) -> tuple[StackSummary, tuple[TenantSummary, ...]]:
    """Bring one stack to what the files say.

    Raises:
        OperationFailed: the engine refused or failed; after a failed preview nothing has changed.
        Busy: another run holds the stack.
    """
    began = time.monotonic()
    engine = target.engine
    mended = mend(target, stack, reporter)
    with reporter.operation(f"{stack}: preview", None) as shown:
        preview = engine.preview(stack, shown.step)
    # Also when the preview found nothing to change: what components say of themselves (claims,
    # summary) is no change to the engine, but must be in the state.
    with reporter.operation(
        f"{stack}: update, {_count(changed(preview.changes), 'change')}",
        preview.changes.total() or None,
    ) as shown:
        update = engine.up(stack, shown.step)
    target.deployments.note(stack, target.cloud.instance)
    state = engine.export(stack) or StackState()
    summary = StackSummary(
        stack=stack,
        changes=dict(update.changes),
        resources=len(state.in_cloud),
        mended=mended,
        seconds=round(time.monotonic() - began, 1),
    )
    return summary, tenants_of(stack, state, target.cloud.endpoint)


def mend(target: Target, stack: str, reporter: Reporter) -> tuple[str, ...]:
    """Make the stack one that an update can start from. Returns what was wrong with it."""
    engine = target.engine
    locks = _abandoned_locks(target, stack, reporter)
    ended = orphans.end(orphans.find_orphans(f"file://{target.backend}"))
    if ended:
        reporter.say(f"{stack}: ended {_count(ended, 'process')} of a run that was killed")
    state = engine.export(stack)
    if state is None:
        engine.init(stack)
        return ()
    last = target.deployments.of(stack)
    mending = recovery.decide(state, locks, last, target.cloud.instance)
    for reason in mending.reasons:
        reporter.say(f"{stack}: {reason}")
    if mending.cancel:
        engine.cancel(stack)
    if mending.refresh:
        with reporter.operation(f"{stack}: reading back", len(state.resources)) as shown:
            engine.refresh(stack, shown.step)
    return mending.reasons


def _abandoned_locks(target: Target, stack: str, reporter: Reporter) -> tuple[recovery.Lock, ...]:
    """The locks on the stack once no living run holds it. Raises Busy."""
    deadline = time.monotonic() + _HOLDER_PATIENCE
    told = None
    while True:
        locks = recovery.read_locks(target.backend, target.project, stack)
        holder = recovery.living_holder(locks)
        if holder is None:
            return locks
        if time.monotonic() > deadline:
            raise Busy(
                f"stack {stack} is held by {holder.holder}\n"
                f"  remedy: wait for it, or end it (kill -INT {holder.pid}) and run this again"
            )
        if holder != told:
            reporter.say(f"{stack}: waiting for another run: {holder.holder}")
            told = holder
        time.sleep(_LOOK_EVERY)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"
