"""The arguments, display and exit codes of `tenancy pipeline`: 1 where an attempt came through."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from localcloud.errors import LocalCloudError
from onboarding import progress
from onboarding.commands import Json, print_json, project_root


def pipeline(
    *,
    rounds: Annotated[
        int, typer.Option("--rounds", min=0, help="How many runs each tenant gets.")
    ] = 2,
    as_json: Json = False,
) -> None:
    """Run each tenant's pipeline on the local data plane, and try every pair of tenants.

    Each run, started by Dagster as its tenant, loads the next month of events and the next year of
    history. Then shows the rows of each tenant, the columns that each of its roles was shown, and
    how many of the attempts of each tenant at each other were refused, by catalog and storage.
    """
    root, report = project_root(), progress.reporter_for(Console(stderr=True))
    found = needing_data_plane("onboarding.pipeline").run(root, report, rounds)
    if as_json:
        print_json(found.to_json())
    else:
        _show(Console(soft_wrap=not sys.stdout.isatty()), found)
    if not found.holds:
        raise typer.Exit(1)


def needing_data_plane(name: str) -> ModuleType:
    """A module whose packages are installed apart, by `make pipeline`.

    Raises:
        LocalCloudError: they are not.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        raise LocalCloudError(
            f"the data plane needs the package {missing.name}, which is not installed",
            "run `make pipeline`, which installs it",
        ) from missing


def _show(console: Console, found: Any) -> None:  # noqa: ANN401 - of the module that comes late
    roles = list(found.tenants[0].columns) if found.tenants else []
    table = Table("tenant", "tier", "rows", "runs", *roles, box=None)
    for tenant in found.tenants:
        seen = [str(len(tenant.columns[role])) for role in roles]
        rows, runs = sum(tenant.rows.values()), max(tenant.runs.values(), default=0)
        table.add_row(tenant.tenant, tenant.tier, str(rows), str(runs), *seen)
    console.print("Rows, runs that wrote them, and how many columns each role was shown:")
    console.print(table)
    names = [tenant.tenant for tenant in found.tenants]
    refused = Table("who at whom", *names, box=None)
    for attacker in names:
        refused.add_row(attacker, *_cells(found.crossings, attacker, names))
    console.print("\nRefused of what was tried, at the catalog and at storage:")
    console.print(refused)
    for crossing in found.crossings:
        for line in crossing.open:
            console.print(f"[red]{crossing.attacker} at {crossing.victim}: {line}")


def _cells(crossings: Sequence[Any], attacker: str, victims: Sequence[str]) -> list[str]:
    cells = dict.fromkeys(victims, "-")
    for one in crossings:
        if one.attacker == attacker:
            counts = (f"{one.refused[layer]}/{one.attempts[layer]}" for layer in one.attempts)
            cells[one.victim] = ", ".join(counts)
    return list(cells.values())
