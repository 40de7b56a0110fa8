"""`tenancy prove`: the proof over exported states, and how it is shown. No exits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from isolation.errors import StateError
from isolation.estate import Estate
from isolation.explain import Explained, can, why
from isolation.graph import Graph, Resource
from isolation.proof import Options, Proof
from isolation.state import read_states, resources_of
from isolation.verdict import Counterexample, Verdict
from localcloud.paths import Layout
from onboarding.collection import without_collection
from onboarding.opened import project_name
from onboarding.progress import Reporter
from onboarding.state_files import StateFiles
from tenancy.errors import InvalidInput, Problem

_SHOWN = 25
"""Counterexamples that are shown to people; ``--json`` has all."""
_LISTED = 8


@dataclass(frozen=True)
class Proved:
    """A verdict and what it took.

    Attributes:
        reading: seconds for reading the states.
        preparing: seconds for putting the estate together.
        deciding: seconds for the questions.
    """

    verdict: Verdict
    reading: float
    preparing: float
    deciding: float

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            **self.verdict.to_json(),
            "seconds": {
                "reading": round(self.reading, 3),
                "preparing": round(self.preparing, 3),
                "deciding": round(self.deciding, 3),
            },
        }


def read(files: Sequence[Path], root: Path | None, report: Reporter) -> Graph:
    """The graph of state files, or of the local stacks of the project at ``root``.

    Raises:
        InvalidInput: a file is no exported state; there is no file and no stack.
        OperationFailed: a local stack's state cannot be read.
    """
    try:
        if files:
            for file in files:
                report.say(f"reading {file}")
            return read_states(files)
        return _of_stacks(root, report)
    except StateError as error:
        raise InvalidInput(
            Problem(
                error.file,
                error.place,
                error.rule,
                "give what `pulumi stack export` prints, one file for each stack",
            )
        ) from None


def _of_stacks(root: Path | None, report: Reporter) -> Graph:
    if root is None:
        raise StateError("tenancy prove", "", "no state file is named, and this is no project")
    files = StateFiles(Layout(root).state, project_name(root))
    found: list[Resource] = []
    for stack in files.stacks():
        report.say(f"reading stack {stack}")
        deployment = files.exported(stack)["deployment"]
        found += resources_of(deployment.get("resources") or (), f"stack {stack}")
    if not found:
        raise StateError(str(root), "", "no stack is deployed here: run `make up` first")
    return Graph.of(found)


def prove(files: Sequence[Path], root: Path | None, options: Options, report: Reporter) -> Proved:
    """Read and decide. Raises what ``read`` does."""
    with without_collection():
        started = time.perf_counter()
        graph = read(files, root, report)
        was_read = time.perf_counter()
        report.say(f"putting {len(graph.resources)} resources together")
        estate = Estate(graph, options.tag)
        prepared = time.perf_counter()
        report.say(f"deciding for {len(estate.tenants)} tenants")
        verdict = Proof(estate, options).verdict()
        decided = time.perf_counter()
    return Proved(verdict, was_read - started, prepared - was_read, decided - prepared)


def explain_pair(graph: Graph, tag: str, one: str, other: str) -> list[Explained]:
    """Why one tenant reaches another, or does not. Raises ``InvalidInput``."""
    return _asked(f"--why {one} {other}", lambda estate: why(estate, one, other), graph, tag)


def explain_call(
    graph: Graph, tag: str, principal: str, action: str, resource: str
) -> list[Explained]:
    """Whether a call is allowed. Raises ``InvalidInput``."""
    return _asked("--can", lambda estate: can(estate, principal, action, resource), graph, tag)


def _asked(
    where: str, ask: Callable[[Estate], Iterable[Explained]], graph: Graph, tag: str
) -> list[Explained]:
    try:
        return list(ask(Estate(graph, tag)))
    except ValueError as error:
        raise InvalidInput(
            Problem(where, "", str(error), "name tenants and principals as the states have them")
        ) from None


def show(console: Console, proved: Proved) -> None:
    """Print a verdict for people."""
    verdict, counts = proved.verdict, proved.verdict.counts

    def line(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False)

    for one in verdict.counterexamples[:_SHOWN]:
        for text in _told(one):
            line(text)
        line("")
    left = len(verdict.counterexamples) - _SHOWN
    if left > 0:
        line(f"... and {left} more; --json prints all")
    for unknown in verdict.unknowns[:_SHOWN]:
        line(f"not understood, so it counts as allowed: {unknown}")
    for latent in verdict.latent[:_LISTED]:
        line(f"latent: {latent.principal}: {latent.rule}: {latent.because[0].text}")
    if verdict.trusted:
        line("trusted base: principals that reach more than one tenant, and why")
        for trusted in verdict.trusted:
            line(f"  {trusted.principal}")
            line(f"    reaches {_some(trusted.reaches)}")
            line(f"    of {len(trusted.tenants)} tenants; {trusted.reason}")
    style = {"proven": "green", "violated": "red"}.get(verdict.answer.value, "yellow")
    line(
        f"{verdict.answer.value}: {counts['tenants']} tenants,"
        f" {counts['pairs']} pairs, {counts['principals']} principals,"
        f" {counts['resources']} things owned, {counts['classes']} classes,"
        f" {counts['decisions']} decisions",
        style,
    )
    line(
        f"read in {proved.reading:.2f} s, put together in {proved.preparing:.2f} s, decided in"
        f" {proved.deciding:.2f} s; {len(verdict.assumptions)} assumptions (--json lists them)"
    )
    line(
        "not in the claim: the platform's administrators, the cloud provider, side channels, and"
        " what the cloud enforces otherwise"
    )


def _told(one: Counterexample) -> list[str]:
    found = [
        f"violation: {one.rule}",
        f"  who:      {one.principal}" + (f" (acts for {one.tenant})" if one.tenant else ""),
    ]
    if one.chain:
        found.append(f"  through:  {' -> '.join(one.chain)}")
    owner = one.owner if one.owner is not None else "the platform"
    found += [f"  does:     {one.action}", f"  to:       {one.resource} (of {owner})"]
    if one.context:
        given = ", ".join(f"{key}={'|'.join(value)}" for key, value in one.context.items() if value)
        if given:
            found.append(f"  with:     {given}")
    for place in one.because:
        found.append(f"  allowed:  {place.text}")
        if place.urn:
            found.append(f"            {place.urn}")
        if place.file:
            found.append(f"            {place.file}")
    found.append(f"  to mend:  {one.remedy}")
    return found


def show_explained(console: Console, found: Sequence[Explained]) -> None:
    """Print decisions for people: those that allow first."""
    for one in sorted(found, key=lambda each: not each.allowed):
        head = f"{one.principal} -> {one.resource}: "
        if one.allowed:
            console.print(
                f"{head}ALLOWED: {one.action} {one.example}", markup=False, highlight=False
            )
            reasons = one.statements
        else:
            console.print(f"{head}no", markup=False, highlight=False)
            reasons = tuple(f"denied by {text}" for text in one.denied_by) + tuple(
                f"nothing allows it in {text}" for text in one.silent
            )
        for reason in (*reasons, *(f"not understood: {text}" for text in one.unknowns)):
            console.print(f"    {reason}", markup=False, highlight=False)


def _some(texts: Sequence[str]) -> str:
    shown = ", ".join(texts[:_LISTED])
    return shown if len(texts) <= _LISTED else f"{shown} and {len(texts) - _LISTED} more"


def as_json(found: Sequence[Explained]) -> str:
    """Decisions for machines."""
    return json.dumps([one.to_json() for one in found], indent=2)
