"""The local stacks and the embedded cloud under them: down, status. No display, no exits."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.emulator import lifecycle
from localcloud.paths import Layout
from onboarding import guard, orphans, recovery
from onboarding.opened import alone, deployments, project_name
from onboarding.progress import Reporter
from onboarding.state import StackState
from onboarding.state_files import StateFiles
from tenancy.estate import Estate, StackPlan


@dataclass(frozen=True)
class StackStatus:
    """One stack as its state has it.

    Attributes:
        tenants: ids.
        resources: how many things it has in the cloud.
        unrecorded: operations that began and were never recorded.
        lock: who holds it; empty when nobody does.
        lock_alive: whether that holder still runs.
        current: whether it was last deployed, to its end, to the cloud that runs now.
    """

    stack: str
    tenants: tuple[str, ...]
    resources: int
    unrecorded: int
    updated: str
    lock: str
    lock_alive: bool
    current: bool


@dataclass(frozen=True)
class Status:
    """The embedded cloud and the local stacks.

    Attributes:
        accounts: those that tenants are deployed to, 12 digits each.
    """

    cloud: lifecycle.Status
    accounts: tuple[str, ...]
    stacks: tuple[StackStatus, ...]

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


def local_plans(estate: Estate) -> tuple[StackPlan, ...]:
    """The stacks of the embedded cloud: an environment's platform first, hard tenants' after it."""
    plans = (plan for plan in estate.stacks if plan.environment.embedded)
    return tuple(sorted(plans, key=lambda plan: plan.hard))


def down(root: Path, reporter: Reporter, *, clear: bool) -> bool:
    """Stop the embedded cloud; with `clear` also forget every stack's state. Engine and logs stay.

    Returns:
        whether a cloud was running.
    """
    layout = Layout(root)
    with alone(layout.home, reporter):
        url = layout.backend
        for engine in orphans.find_engines(url):  # its command was killed, and it works on
            reporter.say(f"ending process {engine.pid}, an update whose command is gone")
            engine.end(patience=30)
        orphans.end(orphans.find_orphans(url))
        stopped = lifecycle.stop(layout)
        if clear:
            shutil.rmtree(layout.state, ignore_errors=True)
            shutil.rmtree(layout.cloud, ignore_errors=True)
    return stopped


def status(root: Path) -> Status:
    """What runs and what is deployed; starts and changes nothing."""
    layout = Layout(root)
    cloud = lifecycle.status(layout)
    instance = cloud.instance if cloud.running else None
    files = StateFiles(layout.state, project_name(root))
    states = {stack: StackState.of(files.exported(stack)) for stack in files.stacks()}
    deployed = [t for stack, state in states.items() for t in guard.deployed_tenants(stack, state)]
    accounts = {tenant.facts["account"] for tenant in deployed if tenant.facts}
    return Status(
        cloud,
        tuple(sorted(accounts)),
        tuple(_stack_status(layout, root, *item, instance) for item in states.items()),
    )


def _stack_status(
    layout: Layout, root: Path, stack: str, state: StackState, instance: str | None
) -> StackStatus:
    locks = recovery.read_locks(layout.state, project_name(root), stack)
    alive = recovery.living_holder(locks)
    holder = alive or next(iter(locks), None)
    return StackStatus(
        stack=stack,
        tenants=tuple(tenant.tenant for tenant in guard.deployed_tenants(stack, state)),
        resources=len(state.in_cloud),
        unrecorded=len(state.pending),
        updated=state.updated,
        lock=holder.holder if holder else "",
        lock_alive=alive is not None,
        current=instance is not None and deployments(layout).of(stack) == instance,
    )
