"""The arguments, display and exit codes of `tenancy check`: 0 holds, 1 violated, 2 not known."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from onboarding import check as checking
from onboarding import progress
from onboarding.check import Checked, Outcome
from onboarding.commands import print_json, project_root
from onboarding.sarif import sarif
from tenancy.errors import InvalidInput, Problem

_SHOWN = 25
"""Findings that are shown to people; ``--json`` and SARIF have all."""
_STYLES = {Outcome.HOLDS: "green", Outcome.VIOLATED: "red", Outcome.UNDECIDED: "yellow"}


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def check(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    form: Annotated[
        Format, typer.Option("--format", help="How to print the result.")
    ] = Format.TEXT,
    file: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", help="Also write SARIF 2.1.0, for code hosts."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Use nothing that an earlier run recorded.")
    ] = False,
) -> None:
    """Check files, rules and isolation of all stacks together, without a cloud or an engine.

    Reads every file, runs the program for every stack under recording mocks, asks all rules of
    the policy pack, and proves that no tenant reaches another's part, across stacks.

    Exit codes: 0 it holds, 1 it is violated, 2 bad input, or not decided.
    """
    root = project_root()
    checked = checking.check(root, progress.reporter_for(Console(stderr=True)), fresh=fresh)
    form = Format.JSON if as_json else form
    if file is not None:
        _write(file, json.dumps(sarif(checked, root), indent=2) + "\n")
    if form is Format.TEXT:
        show(Console(soft_wrap=True, emoji=False), checked)
    else:
        result = checked.to_json() if form is Format.JSON else sarif(checked, root)
        print_json(result)
    raise typer.Exit(checked.outcome.value)


def show(console: Console, checked: Checked) -> None:
    """Print what was found, for people."""

    def line(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False)

    for one in checked.findings[:_SHOWN]:
        line(f"{'undecided' if one.undecided else 'violation'}: {one.text}")
        for at in one.locations:
            line(f"  at:     {at}")
        line("")
    left = len(checked.findings) - _SHOWN
    if left > 0:
        line(f"... and {left} more; --json has all")
    counts = checked.counts
    looked = (
        f": {counts['tenants']} tenants in {counts['stacks']} stacks, {counts['resources']}"
        f" resources, {counts['rules']} rules, {counts['pairs']} pairs of tenants"
        if counts.get("stacks")
        else ""
    )
    line(f"{checked.outcome.name.lower()}{looked}", _STYLES[checked.outcome])
    took = ", ".join(f"{name} {value:.2f} s" for name, value in checked.seconds.items())
    line(took + (f"; {counts['recorded']} tenants were new or changed" if counts else ""))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise InvalidInput(
            Problem(
                str(file),
                "",
                f"cannot be written: {error.strerror}",
                "name a file in a folder that is there",
            )
        ) from None
