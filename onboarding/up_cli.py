"""The arguments, display and exit codes of `tenancy up`; 3 to 8 are refusals."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from onboarding import plan_show, progress, summary
from onboarding import up as life
from onboarding.commands import Json, StackOption, TenantOption, print_json, project_root
from onboarding.planned import Plan
from onboarding.up import RefusedPlan, UpResult
from tenancy.errors import InvalidInput, Problem


def up(
    *,
    tenant: TenantOption = "",
    stack: StackOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Deploy what the files say: plan, ask, update each stack, and see from outside that it is so.

    Exit codes: those of `tenancy plan`, and 1 also where something is not there after the update.
    """
    if not yes and not sys.stdin.isatty():
        raise InvalidInput(
            Problem(
                "tenancy up",
                "--yes",
                "there is no terminal to ask on",
                "look at `tenancy plan`, then run `tenancy up --yes`",
            )
        )
    run(stack=stack, tenant=tenant, yes=yes, as_json=as_json)


def run(*, stack: str = "", tenant: str = "", yes: bool, as_json: bool) -> None:
    """Deploy and print the result; refusals too are printed, and end the command by their code."""
    errors = Console(stderr=True, emoji=False)

    def confirm(plan: Plan) -> bool:
        if yes:
            return True
        plan_show.show(errors, plan)
        return typer.confirm("deploy this?", err=True)

    try:
        result = life.up(
            project_root(), progress.reporter_for(errors), confirm, stack=stack, tenant=tenant
        )
    except RefusedPlan as refused:
        if as_json:
            print_json({"plan": refused.plan.to_json()})
        for refusal in refused.plan.refusals:
            errors.print("refused: ", style="bold red", end="")
            errors.print(str(refusal), markup=False, highlight=False, soft_wrap=True)
        errors.print("nothing was deployed", highlight=False)
        raise typer.Exit(refused.plan.exit_code) from None
    if as_json:
        print_json(result.to_json())
    else:
        _show(result)
    raise typer.Exit(1 if result.declined else 0)


def _show(result: UpResult) -> None:
    console = Console(soft_wrap=not sys.stdout.isatty(), emoji=False)
    if result.declined:
        console.print("nothing was deployed")
        return
    summary.show(console, result.tenants, result.stacks)
    looked = sum(len(each.found) for each in result.verified)
    console.print(
        f"verified from outside: {looked} roles, buckets and databases of"
        f" {len(result.verified)} tenants",
        highlight=False,
    )
    if result.endpoint:
        console.print(f"embedded cloud: {result.endpoint}", highlight=False)
