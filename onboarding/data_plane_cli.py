"""The arguments and display of `tenancy local start` and `tenancy local stop`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from localcloud.emulator import lifecycle
from localcloud.paths import Layout
from onboarding import progress
from onboarding.commands import Json, print_json, project_root
from onboarding.pipeline_cli import needing_data_plane
from tenancy.names import PLATFORM

DataPlane = Annotated[
    bool,
    typer.Option(
        "--data-plane", help="The data plane's servers instead: Nessie, gateway, S3, PostgreSQL."
    ),
]


def start(*, of_data_plane: DataPlane = False, as_json: Json = False) -> None:
    """Start the embedded cloud, empty; or with --data-plane the servers that pipelines use.

    What runs already is left alone, what was killed comes back, and a new tenant is served.
    """
    root, report = project_root(), progress.reporter_for(Console(stderr=True))
    if not of_data_plane:
        cloud = lifecycle.ensure(report.say, Layout(root))
        _print({"endpoint": cloud.endpoint}, f"embedded cloud: {cloud.endpoint}", as_json=as_json)
        return
    found = needing_data_plane("onboarding.data_plane").start(root, report)
    if as_json:
        _print(found.to_json(), "", as_json=True)
        return
    table = Table("server", "process", "address", box=None)
    for server in found.servers:
        table.add_row(server.name, str(server.pid), server.url)
    console = Console(soft_wrap=not sys.stdout.isatty())
    console.print(table)
    console.print(f"tenants: {', '.join(found.tenants)}", highlight=False)
    console.print(f"for pipelines: {found.description}", highlight=False)


def dagster(
    *,
    owner: Annotated[
        str, typer.Option("--of", help="A hard tenant, for its own; else the shared one.")
    ] = PLATFORM,
    as_json: Json = False,
) -> None:
    """Start the web interface of a Dagster of the running data plane, and say where it is.

    The shared one only shows; a hard tenant's own also starts runs. `stop --data-plane` ends it.
    """
    report = progress.reporter_for(Console(stderr=True))
    url = needing_data_plane("onboarding.data_plane").webserver(project_root(), owner, report)
    _print({"url": url}, f"Dagster of {owner}: {url}", as_json=as_json)


def stop(
    *,
    of_data_plane: DataPlane = False,
    clear: Annotated[
        bool, typer.Option("--clear", help="Also delete the tables and databases that it kept.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop the embedded cloud; or with --data-plane the data plane, whose data stay."""
    root = project_root()
    if of_data_plane:
        what, ended = (
            "the data plane",
            needing_data_plane("onboarding.data_plane").stop(root, clear=clear),
        )
    else:
        what, ended = "the embedded cloud", lifecycle.stop(Layout(root))
    line = f"{what} is stopped" if ended else f"{what} was not running"
    _print({"stopped": ended}, line, as_json=as_json)


def _print(value: object, line: str, *, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        Console(soft_wrap=not sys.stdout.isatty()).print(line, highlight=False)
