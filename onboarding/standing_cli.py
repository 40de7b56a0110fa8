"""The arguments, display and exit codes of `tenancy status` and `tenancy drift`: 1 is drift."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.table import Table

from onboarding import drift as drifting
from onboarding import progress
from onboarding.commands import Json, StackOption, TenantOption, print_json, project_root
from onboarding.drift import Drift
from onboarding.standing import Row, Standing, standing

_SHOWN = 25
"""Differences that are shown to people; ``--json`` has all."""
_WIDTH = 120
"""Of a table in a pipe."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def status(*, stack: StackOption = "", as_json: Json = False) -> None:
    """Show each tenant: tier, stack, last update, drift, cost; and the last proof and its age."""
    found = standing(project_root(), progress.reporter_for(Console(stderr=True)), stack=stack)
    if as_json:
        print_json(found.to_json())
        return
    _show_status(_console(), found)


def drift(*, tenant: TenantOption = "", stack: StackOption = "", as_json: Json = False) -> None:
    """Read every thing back from the cloud, tell what differs, and prove what is really there.

    No state is changed. Exit codes: 0 nothing differs and isolation is proven, 1 otherwise.
    """
    reporter = progress.reporter_for(Console(stderr=True))
    found = drifting.drift(project_root(), reporter, stack=stack, tenant=tenant)
    if as_json:
        print_json(found.to_json())
    else:
        _show_drift(_console(), found)
    raise typer.Exit(found.exit_code)


def _console() -> Console:
    if sys.stdout.isatty():
        return Console(emoji=False)
    return Console(soft_wrap=True, emoji=False, width=_WIDTH)


def _show_status(console: Console, found: Standing) -> None:
    table = Table("tenant", "tier", "stack", "last update", "drift", box=None)
    table.add_column(f"{found.currency} a month" if found.currency else "", justify="right")
    for row in found.rows:
        table.add_row(
            row.tenant,
            row.tier,
            ", ".join(row.stacks),
            row.updated[:19].replace("T", " ") if row.deployed else "not deployed",
            _drifted(row),
            row.cost,
        )
    console.print(table)
    if found.drift_age is not None:
        console.print(f"read back {_ago(found.drift_age)} (tenancy drift)", highlight=False)
    if found.proof_age is None:
        console.print("isolation: never proved (tenancy prove, tenancy drift)", highlight=False)
        return
    since = ", and a stack was written since" if found.stale else ""
    console.print(
        f"isolation: {found.proof}, of {found.proof_on}, {_ago(found.proof_age)}{since}",
        highlight=False,
    )


def _drifted(row: Row) -> str:
    if row.differs is None or not row.deployed:
        return "not known"
    return f"{row.differs} differ" if row.differs else "none"


def _ago(seconds: float) -> str:
    for unit, name in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name} ago"
    return f"{seconds:.0f} seconds ago"


def _show_drift(console: Console, found: Drift) -> None:
    def line(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False)

    for one in found.differences[:_SHOWN]:
        detail = f" ({', '.join(one.properties)})" if one.properties else ""
        line(f"{one.what}: {one.type} {one.name}{detail}, of {one.owner}, stack {one.stack}", "red")
        line(f"  {one.urn}")
    left = len(found.differences) - _SHOWN
    if left > 0:
        line(f"... and {left} more; --json has all")
    if not found.stacks:
        line("nothing is deployed")
        return
    line(
        f"{len(found.differences)} of {found.resources} resources differ, in"
        f" {', '.join(found.stacks)}"
    )
    if found.differences:
        line("to put it back as the files say: tenancy up, after pulumi refresh of the stack")
    if found.verdict:
        for each in found.verdict.counterexamples[:_SHOWN]:
            line(f"  {each.principal} may {each.action} {each.resource}: {each.rule}", "red")
        style = "green" if found.verdict.proven else "red"
        line(f"isolation of what is there: {found.verdict.answer.value}", style)
