"""The arguments, display and exit codes of `tenancy prove`: 0 proven, 1 violated, 2 not known."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from isolation.estate import TENANT_TAG
from isolation.proof import Options
from isolation.verdict import Answer
from onboarding import progress
from onboarding import prove as proving

_EXITS = {Answer.PROVEN: 0, Answer.VIOLATED: 1, Answer.UNKNOWN: 2}


def prove(  # noqa: PLR0913 - a command's options
    states: Annotated[
        list[Path] | None,
        typer.Argument(
            help="What `pulumi stack export` printed, a file for each stack; all are one estate."
            " Without any, the project's deployed stacks.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Ask a second, independent prover the same.")
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="A pattern that could match a future tenant is a violation."),
    ] = False,
    tag: Annotated[
        str, typer.Option(help="The tag that names a resource's tenant, where no claim does.")
    ] = TENANT_TAG,
    why: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="TENANT TENANT", help="Explain what one reaches of the other."),
    ] = None,
    can: Annotated[
        tuple[str, str, str] | None,
        typer.Option(metavar="PRINCIPAL ACTION RESOURCE", help="Explain one call."),
    ] = None,
) -> None:
    """Prove that no tenant reaches another's part, or show how one does."""
    files = states or []
    root = _project() if not files else None
    report = progress.reporter_for(Console(stderr=True))
    console = Console(soft_wrap=True, emoji=False)  # `:secret:` is a part of ARNs
    if why is not None or can is not None:
        graph = proving.read(files, root, report)
        found = (
            proving.explain_pair(graph, tag, *why)
            if why is not None
            else proving.explain_call(graph, tag, *(can or ("", "", "")))
        )
        if as_json:
            sys.stdout.write(proving.as_json(found) + "\n")
        else:
            proving.show_explained(console, found)
        return
    proved = proving.prove(files, root, Options(strict, cross_check, tag), report)
    if as_json:
        sys.stdout.write(json.dumps(proved.to_json(), indent=2, sort_keys=True) + "\n")
    else:
        proving.show(console, proved)
    raise typer.Exit(_EXITS[proved.verdict.answer])


def _project() -> Path | None:
    here = Path.cwd()
    return next((f for f in (here, *here.parents) if (f / "Pulumi.yaml").is_file()), None)
