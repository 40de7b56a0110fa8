"""What exists after a deployment, per tenant and per stack: data for machines, and its display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from onboarding.events import SAME, changed
from onboarding.state import TENANT_TYPE, StackState


@dataclass(frozen=True)
class TenantSummary:
    """One tenant, as its stack's state tells.

    Attributes:
        account: 12 digits.
        storage: where its data lies, an S3 URL with a prefix.
        roles: ARNs.
        runs: the family of the task definition that its pipelines' runs are.
        audit: where the records that concern it lie, an S3 URL with a prefix.
        endpoints: URL per service; `aws` serves all that the emulator does.
        resources: how many things of its own are in the cloud.
    """

    tenant: str
    tier: str
    stack: str
    account: str
    region: str
    storage: str
    databases: tuple[str, ...]
    tables: tuple[str, ...]
    roles: tuple[str, ...]
    runs: str
    audit: str
    endpoints: Mapping[str, str]
    resources: int


@dataclass(frozen=True)
class StackSummary:
    """One stack after its update.

    Attributes:
        changes: resources per kind of operation (`create`, `update`, `same`, ...).
        resources: how many things are in the cloud.
        mended: why something had to be mended before the update; empty in normal life.
        seconds: how long it all took.
    """

    stack: str
    changes: Mapping[str, int]
    resources: int
    mended: tuple[str, ...]
    seconds: float

    @property
    def changed(self) -> int:
        """How many resources the update changed."""
        return changed(self.changes)

    def line(self) -> str:
        """The stack in one line."""
        parts = ", ".join(
            f"{count} {op}" for op, count in sorted(self.changes.items()) if op != SAME and count
        )
        detail = f" ({parts})" if parts else ""
        return (
            f"stack {self.stack}: {_count(self.changed, 'change')}{detail},"
            f" {_count(self.resources, 'resource')}, {self.seconds:.1f} s"
        )


def tenants_of(stack: str, state: StackState, cloud: str) -> tuple[TenantSummary, ...]:
    """The tenants of a stack that was deployed to its end; `cloud` is the URL of the
    embedded cloud, empty for another.
    """
    return tuple(
        _tenant(stack, component.outputs["summary"], cloud, len(state.below(component.urn)))
        for component in sorted(state.of_type(TENANT_TYPE), key=lambda component: component.name)
        if "summary" in component.outputs
    )


def _tenant(stack: str, summary: Mapping[str, Any], cloud: str, resources: int) -> TenantSummary:
    return TenantSummary(
        tenant=summary["tenant"],
        tier=summary["tier"],
        stack=stack,
        account=summary["account"],
        region=summary["region"],
        storage=summary["storage"],
        databases=tuple(summary.get("databases", ())),
        tables=tuple(summary.get("tables", ())),
        roles=tuple(summary.get("roles", ())),
        runs=summary["runs"],
        audit=summary["audit"],
        endpoints={**({"aws": cloud} if cloud else {}), **summary.get("endpoints", {})},
        resources=resources,
    )


def show(
    console: Console, tenants: Sequence[TenantSummary], stacks: Sequence[StackSummary]
) -> None:
    """Print a paragraph per tenant and a line per stack. Names are never cut: they get copied."""
    for tenant in tenants:
        console.print(f"[bold]{tenant.tenant}[/bold]  {tenant.tier}", highlight=False)
        for label, values in _rows(tenant):
            for index, value in enumerate(values):
                line = f"  {'' if index else label:<10} {value}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)
        console.print()
    for stack in stacks:
        console.print(stack.line(), highlight=False, soft_wrap=True)


def _rows(tenant: TenantSummary) -> list[tuple[str, Sequence[str]]]:
    # In one account and under one path, only the last part of a role's ARN tells anything.
    roles = [arn.rpartition("/")[2] for arn in tenant.roles]
    return [
        ("account", [f"{tenant.account} {tenant.region}, stack {tenant.stack}"]),
        ("data", [tenant.storage]),
        ("databases", tenant.databases),
        ("tables", tenant.tables),
        ("roles", roles),
        ("runs", [tenant.runs]),
        ("audit", [tenant.audit]),
        ("endpoints", [f"{name} {url}" for name, url in tenant.endpoints.items()]),
        ("resources", [str(tenant.resources)]),
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
