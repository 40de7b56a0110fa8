"""What the commands share: the project that they work on, and how results are printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tenancy.errors import InvalidInput, Problem

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
