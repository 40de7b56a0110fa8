"""The arguments, display and exit codes of `tenancy import`: 0 written, 2 refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from onboarding.add import DEFAULT_ENVIRONMENT
from onboarding.commands import Json, print_json, project_root
from onboarding.import_tenants import Moved, Refused, import_file


def import_(
    file: Annotated[Path, typer.Argument(help="The old tenant_config.yaml.", show_default=False)],
    *,
    environment: Annotated[
        str, typer.Option(help="The environment of tenants that name none.")
    ] = DEFAULT_ENVIRONMENT,
    contact: Annotated[
        str | None,
        typer.Option(help="Who answers for tenants that name nobody; else the operators."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Turn an old file of many tenants into one file for each; all of them, or none."""
    try:
        result = import_file(project_root(), file, environment, contact)
    except Refused as refused:
        if as_json:
            print_json(
                {
                    "moved": [vars(moved) for moved in refused.moved],
                    "refused": [vars(problem) for problem in refused.problems],
                }
            )
        else:
            _show(Console(soft_wrap=True), refused.moved)
        raise
    if as_json:
        print_json(result.to_json())
        return
    console = Console(soft_wrap=True)
    _show(console, result.moved)
    for name in result.files:
        console.print(f"{name} is written", markup=False, highlight=False)
    for name in result.unchanged:
        console.print(f"{name} was there already, the same", markup=False, highlight=False)


def _show(console: Console, moved: Iterable[Moved]) -> None:
    for one in moved:
        console.print(str(one), markup=False, highlight=False)
