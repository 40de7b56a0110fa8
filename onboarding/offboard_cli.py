"""The arguments, questions and display of `tenancy offboard` and `tenancy receipts verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from onboarding import offboard as offboarding
from onboarding import progress
from onboarding.commands import Json, StackOption, print_json, project_root
from onboarding.errors import Refused
from onboarding.receipts import Receipt
from tenancy.errors import Problem
from tenancy.leaving import Leaving

_SHOWN = 60


def offboard(
    tenant: Annotated[str, typer.Argument(help="The tenant's id.")],
    *,
    to: Annotated[
        Leaving, typer.Option("--to", help="How far: through all that comes before, no further.")
    ] = Leaving.SUSPENDED,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the tenant's id.")] = False,
    stack: StackOption = "",
    as_json: Json = False,
) -> None:
    """Take a tenant out: deny its roles, write down what it has, destroy its data after a date."""
    root = project_root()
    if not yes:
        typer.echo(f"This brings tenant {tenant} to the state `{to}`.", err=True)
        try:
            typed = typer.prompt("Type its id to go on", err=True)
        except typer.Abort:
            typed = ""
        if typed != tenant:
            raise Refused(
                Problem(
                    "tenancy offboard", tenant, "the id was not typed", "type it, or give --yes"
                )
            )
    reporter = progress.reporter_for(Console(stderr=True))
    done = offboarding.offboard(root, tenant, to, reporter, stack=stack)
    if as_json:
        print_json(done.to_json())
        return
    _show(done)


def verify(
    tenant: Annotated[str, typer.Argument(help="The tenant's id.")],
    *,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="The public key (PEM) that the receipts must be signed with; without it, the one"
            " beside them.",
        ),
    ] = None,
    stack: StackOption = "",
    as_json: Json = False,
) -> None:
    """Verify the receipts of a tenant's offboarding: signatures, their chain, and the manifest."""
    found = offboarding.verified(project_root(), tenant, key, stack=stack)
    if as_json:
        print_json(found.to_json())
        return
    _show(found)


def _show(done: offboarding.Offboarded) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    state = done.reached.value if done.reached else "not begun"
    console.print(f"{done.tenant} in {done.environment}: {state}")
    if done.due is not None:
        console.print(f"  its data may be destroyed from {done.due:%Y-%m-%d %H:%M} UTC on: run")
        console.print(f"  `tenancy offboard {done.tenant} --to destroyed` again then")
    for receipt in done.receipts:
        console.print(f"  {receipt.number:04d}  {receipt.at:%Y-%m-%d %H:%M}  {_line(receipt)}")


def _line(receipt: Receipt) -> str:
    facts = {
        name: value
        for name, value in receipt.facts.items()
        if name not in {"holdings", "denied"} and len(json.dumps(value)) <= _SHOWN
    }
    told = "  ".join(f"{name} {value}" for name, value in facts.items())
    return f"{receipt.step:<22} sha256 {receipt.digest[:16]}  {told}".rstrip()
