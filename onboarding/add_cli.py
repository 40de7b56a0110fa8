"""The arguments, display and exit codes of `tenancy add`: 0 written, 2 refused."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from onboarding.add import DEFAULT_ENVIRONMENT, NewTenant
from onboarding.add import add as write
from onboarding.commands import Json, print_json, project_root
from tenancy.errors import InvalidInput, Problem, suggestion
from tenancy.tiers import Tier

_TIERS = {tier.label: tier for tier in Tier}


def add(  # noqa: PLR0913 - a command's options
    tenant: Annotated[
        str, typer.Argument(metavar="ID", help="Lower-case letters, digits, single hyphens.")
    ],
    *,
    tier: Annotated[
        str | None,
        typer.Option(metavar="soft|medium|hard", help="Asked for on a terminal when left out."),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(help="E-mail of whoever answers for it; else the environment's operators."),
    ] = None,
    organization: Annotated[str | None, typer.Option(help="Its name, for people.")] = None,
    environment: Annotated[
        str, typer.Option(help="The environment that it belongs to.")
    ] = DEFAULT_ENVIRONMENT,
    account_id: Annotated[
        str | None,
        typer.Option(metavar="DIGITS", help="A hard tenant's account; vended when left out."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="A hard tenant's region; the environment's when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the file of a new tenant, `tenants/ID.yaml`, with examples of what else it may say."""
    root = project_root()
    new = NewTenant(tenant, _tier(tier), contact, organization, environment, account_id, region)
    path = write(root, new)
    name = str(path.relative_to(root))
    if as_json:
        print_json({"tenant": tenant, "tier": new.tier.label, "file": name})
        return
    console = Console(soft_wrap=True)
    console.print(f"{name} is written, a {new.tier.label} tenant", highlight=False)
    console.print("next: tenancy plan", highlight=False)


def _tier(given: str | None) -> Tier:
    if given is None and sys.stdin.isatty():
        given = typer.prompt("tier (soft, medium, hard)", default=Tier.MEDIUM.label, err=True)
    if given is None:
        raise InvalidInput(
            Problem(
                "tenancy add",
                "--tier",
                "the tier is not given, and there is no terminal to ask on",
                "add --tier soft, --tier medium or --tier hard",
            )
        )
    if given not in _TIERS:
        raise InvalidInput(
            Problem("tenancy add", "--tier", "is no tier", suggestion(given, _TIERS))
        )
    return _TIERS[given]
