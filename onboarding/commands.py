"""What the commands share: the project that they work on, and how results are printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tenancy.errors import InvalidInput, Problem


def _tenants(begun: str) -> list[str]:
    """The ids of the tenants' files that begin so, for a shell's completion."""
    try:
        files = (project_root() / "tenants").glob("*.yaml")
        return sorted(file.stem for file in files if file.stem.startswith(begun))
    except InvalidInput:
        return []


def _stacks(begun: str) -> list[str]:
    """The environments and other configured stacks that begin so, for a shell's completion."""
    try:
        names = (file.name.split(".")[1] for file in project_root().glob("Pulumi.*.yaml"))
        return sorted(name for name in names if name.startswith(begun))
    except InvalidInput:
        return []


TenantOption = Annotated[
    str,
    typer.Option(
        metavar="ID",
        help="Only the stack that this tenant is in, with the platform's where that is a shard.",
        autocompletion=_tenants,
    ),
]
StackOption = Annotated[
    str,
    typer.Option(
        metavar="STACK",
        help="An environment's stacks, or a hard tenant's; the embedded ones when left out.",
        autocompletion=_stacks,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def project_root() -> Path:
    """The project that the command works on: the nearest folder upwards with a Pulumi.yaml.

    Raises:
        InvalidInput: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    raise InvalidInput(
        [
            Problem(
                str(here),
                "",
                "no Pulumi.yaml here nor in a folder above: this is no tenancy project",
                "run the command in the project's folder",
            )
        ]
    )


def print_json(value: object) -> None:
    """Print a result for machines, and nothing else, on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True) + "\n")
