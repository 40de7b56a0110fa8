"""`tenancy check`: files, rules and proof of everything that the program would make. No exits.

Nothing is asked of a cloud or an engine: the program runs under recording mocks.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from isolation.graph import Graph, Resource
from isolation.proof import HELD_OFF, Options, prove_fences
from isolation.state import resources_of
from isolation.verdict import Counterexample, Verdict
from localcloud.paths import PROJECT_ROOT
from onboarding.collection import without_collection
from onboarding.progress import Reporter
from onboarding.recordings import Failure, Recorder, Recordings
from policies import cross_tenant
from policies.rule import Fault, Rule, Settings, faults, message
from policies.rules import RULES
from tenancy.errors import InvalidInput, Problem
from tenancy.estate import Estate, StackPlan, load_estate
from tenancy.organization import OrganizationPlan
from tenancy.yaml_lines import line_of

INPUT = "valid-input"
PROGRAM = "program-runs"
DESCRIPTIONS = {
    INPUT: "Every file can be read, and keeps the rules of its schema and of the estate.",
    PROGRAM: "The program runs for every stack, with the recording engine in the cloud's place.",
    **{rule.name: rule.description for rule in RULES},
}
"""What each rule of a finding says."""


class Outcome(Enum):
    """What is known; the value is the exit code."""

    HOLDS = 0
    VIOLATED = 1
    UNDECIDED = 2


@dataclass(frozen=True)
class Location:
    """A line, from 1, of a file; its path is relative to the project where it is in it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """One thing wrong.

    ``rule`` is one of ``DESCRIPTIONS``. ``tenants`` are those concerned. ``locations`` are where
    the user looks: a tenant's or environment's file first, then the program's line that makes the
    resource ``urn``. ``undecided``: it may be right, and that is not known.
    """

    rule: str
    text: str
    tenants: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    urn: str = ""
    undecided: bool = False

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "rule": self.rule,
            "message": self.text,
            "tenants": list(self.tenants),
            "locations": [{"file": at.file, "line": at.line} for at in self.locations],
            "urn": self.urn,
            "undecided": self.undecided,
        }


@dataclass(frozen=True)
class Checked:
    """All that was found, and how much was looked at.

    ``proofs``: environment -> the verdict over all its stacks. ``seconds``: of each step.
    """

    findings: tuple[Finding, ...]
    proofs: Mapping[str, Verdict]
    counts: Mapping[str, int]
    seconds: Mapping[str, float]

    @property
    def outcome(self) -> Outcome:
        """What the findings come to: what is violated is so whatever else is not known."""
        if any(not one.undecided for one in self.findings):
            return Outcome.VIOLATED
        return Outcome.UNDECIDED if self.findings else Outcome.HOLDS

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "answer": self.outcome.name.lower(),
            "findings": [one.to_json() for one in self.findings],
            "proofs": {name: verdict.to_json() for name, verdict in self.proofs.items()},
            "counts": dict(self.counts),
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }


def check(root: Path, report: Reporter, *, fresh: bool = False) -> Checked:
    """Check the project at ``root``; ``fresh`` records also what was recorded before.

    What is wrong with files or program is among the findings: nothing is raised for it.
    """
    with without_collection(), Recorder(root, report, fresh=fresh) as recorder:
        return _Check(root, report).run(recorder)


class _Check:
    def __init__(self, root: Path, report: Reporter) -> None:
        self._root, self._report = root, report
        self._seconds: dict[str, float] = {}
        self._lines: dict[tuple[str, str], int] = {}

    def run(self, recorder: Recorder) -> Checked:
        began = time.perf_counter()
        try:
            estate = load_estate(self._root)
        except InvalidInput as error:
            found = tuple(self._of_problem(one) for one in error.problems)
            return Checked(found, {}, {}, {"reading": time.perf_counter() - began})
        read = time.perf_counter()
        recordings = recorder.record(estate)
        recorded = time.perf_counter()
        self._seconds = {"reading": read - began, "recording": recorded - read}
        findings = [self._of_failure(one) for one in recordings.failures.values()]
        proofs: dict[str, Verdict] = {}
        counts: dict[str, int] = defaultdict(int)
        for environment, stacks in _environments(estate).items():
            if any(stack.name not in recordings.parts for stack in stacks):
                continue  # the program failed for a part of it: that is said, and proves nothing
            owners: dict[str, str] = {}
            graph = Graph.of(
                resource
                for stack in stacks
                for resource in self._resources(stack, recordings, owners)
            )
            counts["resources"] += len(graph.resources)
            counts["stacks"] += len(stacks)
            counts["tenants"] += sum(len(stack.tenant_ids) for stack in stacks)
            self._report.say(f"{environment}: {len(graph.resources)} resources, {len(RULES)} rules")
            findings += self._ruled(graph, environment, owners)
            verdict, held_off = self._proved(graph)
            if verdict.counts["tenants"]:
                proofs[environment] = verdict
                counts["pairs"] += verdict.counts["pairs"]
                findings += self._of_proof(verdict, held_off, graph, environment, owners)
        counts["rules"] = len(RULES)
        counts["recorded"] = len(recordings.recorded)
        return Checked(tuple(findings), proofs, dict(counts), self._seconds)

    # --- what is looked at

    def _resources(
        self, stack: StackPlan | OrganizationPlan, recordings: Recordings, owners: dict[str, str]
    ) -> Iterator[Resource]:
        parts = recordings.parts[stack.name]
        owner = stack.owner if stack.hard else ""
        entries = []
        for tenant in ("", *stack.tenant_ids):  # providers first: they say the account
            for entry in parts.get(tenant, ()):
                owners[entry["urn"]] = tenant or owner
                entries.append(entry)
        found = resources_of(entries, stack.name, whole=True)
        for entry, resource in zip(entries, found, strict=True):
            yield replace(resource, place=self._shown(entry["sourcePosition"]))

    def _ruled(
        self, graph: Graph, environment: str, owners: Mapping[str, str]
    ) -> Iterator[Finding]:
        began = time.perf_counter()
        for rule in RULES:
            if rule is not cross_tenant.RULE:  # that is the proof, which tells more
                for fault in faults(rule, graph, Settings()):
                    yield self._of_fault(rule, fault, environment, owners, ())
        self._took("rules", began)

    def _proved(self, graph: Graph) -> tuple[Verdict, tuple[Counterexample, ...]]:
        began = time.perf_counter()
        found = prove_fences(graph, Options(strict=True))
        self._took("proof", began)
        return found

    def _took(self, name: str, began: float) -> None:
        self._seconds[name] = self._seconds.get(name, 0) + time.perf_counter() - began

    # --- what is found

    def _of_proof(
        self,
        verdict: Verdict,
        held_off: tuple[Counterexample, ...],
        graph: Graph,
        environment: str,
        owners: Mapping[str, str],
    ) -> Iterator[Finding]:
        by_urn = {resource.urn: resource for resource in graph.resources}
        told = [(one, "") for one in verdict.counterexamples]
        for one, besides in (*told, *((one, HELD_OFF) for one in held_off)):
            fault = cross_tenant.fault_of(one, by_urn, besides)
            yield self._of_fault(cross_tenant.RULE, fault, environment, owners, one.tenants)
        for unknown in verdict.unknowns:
            text = f"{environment}: it is not understood, so nothing is proved: {unknown}"
            at = (self._line(f"Pulumi.{environment}.yaml", ""),)
            yield Finding(cross_tenant.RULE.name, text, locations=at, undecided=True)

    def _of_fault(
        self,
        rule: Rule,
        fault: Fault,
        environment: str,
        owners: Mapping[str, str],
        tenants: tuple[str, ...],
    ) -> Finding:
        resource = fault.resource
        urn = resource.urn if resource else ""
        tenants = tenants or tuple(filter(None, [owners.get(urn, "")]))
        files = [f"tenants/{tenant}.yaml" for tenant in tenants] or [f"Pulumi.{environment}.yaml"]
        locations = [self._line(file, "tenant") for file in files if (self._root / file).is_file()]
        if resource and resource.place:
            file, _, line = resource.place.rpartition(":")
            locations.append(Location(file, int(line)))
        text = message(rule, fault)
        return Finding(rule.name, text, tenants, tuple(locations), urn)

    def _of_problem(self, problem: Problem) -> Finding:
        at = (self._line(problem.where, problem.field),)
        return Finding(INPUT, str(problem), (), at, undecided=True)

    def _of_failure(self, failure: Failure) -> Finding:
        file, _, line = self._shown(failure.source).rpartition(":")
        at = (Location(file, int(line)),) if file else ()
        text = f"stack {failure.stack}: the program fails: {failure.reason}"
        return Finding(PROGRAM, text, (), at, undecided=True)

    def _line(self, file: str, field: str) -> Location:
        known = self._lines.get((file, field))
        if known is None:
            known = self._lines[file, field] = line_of(self._root / file, field)
        return Location(file, known)

    def _shown(self, source: str) -> str:
        """A line of the program, as its author calls the file."""
        for folder in (self._root, PROJECT_ROOT):
            if source.startswith(f"{folder}/"):
                return source.removeprefix(f"{folder}/")
        return source


def _environments(estate: Estate) -> dict[str, list[StackPlan | OrganizationPlan]]:
    found: dict[str, list[StackPlan | OrganizationPlan]] = defaultdict(list)
    for stack in estate.plans:
        found[stack.environment.name].append(stack)
    return found
