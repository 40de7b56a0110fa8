"""The arguments and display of `tenancy reshard`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from onboarding import progress
from onboarding import reshard as resharding
from onboarding.commands import Json, StackOption, print_json, project_root


def reshard(
    *,
    stack: StackOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="Move; without it, only tell.")] = False,
    as_json: Json = False,
) -> None:
    """Move tenants to the stacks that they belong in since `shards` changed; touch no resource."""
    reporter = progress.reporter_for(Console(stderr=True))
    done = resharding.reshard(project_root(), reporter, stack=stack, yes=yes)
    if as_json:
        print_json(done.to_json())
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for move in done.moves:
        console.print(f"{move.tenant:<22}{move.source} -> {move.dest}")
    for name in done.emptied:
        console.print(
            f"stack {name} {'held nothing and is removed' if yes else 'is to be removed'}"
        )
    if not yes and (done.moves or done.emptied):
        console.print(f"{done.environment}: nothing is done yet; --yes does it")
    elif done.moved:
        console.print(f"{done.environment}: moved, and an update changes nothing of them")
    else:
        console.print(f"{done.environment}: every tenant is in the stack that it belongs in")
