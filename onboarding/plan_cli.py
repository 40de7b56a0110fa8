"""The arguments, display and exit codes of `tenancy plan`; 3 to 8 are refusals."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from onboarding import plan as planning
from onboarding import plan_show, progress
from onboarding.commands import Json, StackOption, TenantOption, print_json, project_root


def plan(
    *,
    tenant: TenantOption = "",
    stack: StackOption = "",
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it as a comment on a pull request.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what an update would change, cost and fill, and what speaks against it. Deploys nothing.

    Exit codes: 0 nothing speaks against it, 1 the operation failed, 2 bad input, 3 a cross-tenant
    grant, 4 a name collision, 5 a quota overrun, 6 data would be lost, 7 a policy is violated, 8
    the isolation is not proven.
    """
    reporter = progress.reporter_for(Console(stderr=True))
    found = planning.plan(project_root(), reporter, stack=stack, tenant=tenant)
    if as_json:
        print_json(found.to_json())
    elif markdown:
        sys.stdout.write(plan_show.markdown(found))
    else:
        plan_show.show(Console(soft_wrap=True, emoji=False), found)
    raise typer.Exit(found.exit_code)
