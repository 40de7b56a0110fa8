"""`tenancy drift`: what the cloud holds otherwise than the states say, and the proof on that.

The engine reads every resource back and changes no state. What nobody of the project made is not
seen: there is no state that names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from isolation.graph import Graph
from isolation.proof import Options, prove
from isolation.state import resources_of
from isolation.verdict import Verdict
from localcloud.errors import LocalCloudError
from onboarding.engine import Engine
from onboarding.events import SAME, Handled
from onboarding.judge import Deployed
from onboarding.noted import DRIFT, PROOF, Noted
from onboarding.opened import opened
from onboarding.owners import owners
from onboarding.parallel import at_once
from onboarding.progress import Reporter
from onboarding.scope import scope_of
from onboarding.state import split_urn
from tenancy.estate import StackPlan, load_estate

Entry = Mapping[str, Any]
Read = Mapping[str, Handled]
"""URN -> its state before and as it was read back."""

_AS_IT_WAS = (SAME, "refresh")

_SIDES = ("inputs", "outputs")


@dataclass(frozen=True)
class Difference:
    """One resource that is not as its state says.

    Attributes:
        owner: a tenant's id, or `platform`.
        what: `changed` or `gone`.
        properties: those that differ; empty where it is gone.
    """

    stack: str
    owner: str
    what: str
    type: str
    name: str
    urn: str
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drift:
    """What was found.

    Attributes:
        stacks: those that were read back.
        resources: how many were.
        verdict: the proof's, on the whole environment as it was read; None where nothing is there.
    """

    stacks: tuple[str, ...]
    resources: int
    differences: tuple[Difference, ...]
    verdict: Verdict | None

    @property
    def exit_code(self) -> int:
        """0, or 1 where something differs or isolation is not proven."""
        sound = self.verdict is None or self.verdict.proven
        return 0 if sound and not self.differences else 1

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "stacks": list(self.stacks),
            "resources": self.resources,
            "differences": [asdict(each) for each in self.differences],
            "verdict": self.verdict.to_json() if self.verdict else None,
        }


def drift(root: Path, reporter: Reporter, *, stack: str = "", tenant: str = "") -> Drift:
    """Read the scope's stacks back and compare. Neither a state nor the cloud is changed.

    Raises:
        InvalidInput: the files cannot be used, or there is no such stack or tenant.
        LocalCloudError: no engine could be had, or the embedded cloud does not run.
        OperationFailed: something cannot be read.
    """
    estate = load_estate(root)
    scope = scope_of(estate, stack, tenant)
    with opened(root, scope, reporter) as found:
        target = found.running_cloud()
        deployed = Deployed.read(target.engine, reporter)
        names = [name for name in scope.chosen if deployed.state(name).in_cloud]
        if names and scope.embedded and target.cloud is None:
            raise LocalCloudError(
                "the embedded cloud does not run, and what was in it is gone",
                "run `make up`, which makes it anew",
            )
        jobs = {name: partial(_read_back, target.engine, name, reporter) for name in names}
        read = at_once(jobs, target.engine.interrupt, reporter.say)
    differing: list[Difference] = []
    wholes: dict[str, Sequence[Entry]] = {}
    for plan in scope.stacks:
        entries: list[Entry] = [*deployed.entries(plan.name)]
        if plan.name in read:
            differing += differences(plan, entries, read[plan.name])
            entries = as_read(entries, read[plan.name])
        wholes[plan.name] = entries
    result = Drift(tuple(names), sum(map(len, read.values())), tuple(differing), _verdict(wholes))
    _note(Noted.of(found.layout.home, scope.stacks[0].environment.name), result)
    return result


def _read_back(engine: Engine, stack: str, reporter: Reporter) -> Read:
    with reporter.operation(f"{stack}: reading back", None) as shown:
        return engine.look(stack, shown.step).handled


def differences(plan: StackPlan, entries: Sequence[Entry], read: Read) -> Iterator[Difference]:
    """What is changed or gone of the things that a state names."""
    whose = owners(entries, plan)
    for entry in entries:
        urn = entry["urn"]
        if urn not in read or not entry.get("custom"):
            continue
        token, name = split_urn(urn)
        make = partial(Difference, plan.name, whose[urn])
        seen = read[urn]
        if seen.after is None:
            yield make("gone", token, name, urn)
        elif seen.op not in _AS_IT_WAS:
            yield make("changed", token, name, urn, _changed(seen.before, seen.after))


def _changed(before: Entry | None, now: Entry) -> tuple[str, ...]:
    old, new = (before or {}).get("outputs") or {}, now.get("outputs") or {}
    return tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def as_read(entries: Sequence[Entry], read: Read) -> list[Entry]:
    """The state as a refresh would leave it."""
    found: list[Entry] = []
    for entry in entries:
        seen = read.get(entry["urn"], Handled(SAME, entry, entry))
        if seen.after is not None:
            sides = {side: _merged(entry, seen.before or {}, seen.after, side) for side in _SIDES}
            found.append({**entry, **sides})
    return found


def _merged(entry: Entry, before: Entry, now: Entry, side: str) -> Mapping[str, Any]:
    """What differs as it was read, all else as the state has it: that knows secrets."""
    kept, old, new = (one.get(side) or {} for one in (entry, before, now))
    return {
        name: kept[name] if name in kept and old.get(name) == value else value
        for name, value in new.items()
    }


def _verdict(states: Mapping[str, Sequence[Entry]]) -> Verdict | None:
    resources = [
        resource
        for stack, entries in states.items()
        for resource in resources_of(entries, f"stack {stack}")
    ]
    return prove(Graph.of(resources), Options(strict=True)) if resources else None


def _note(noted: Noted, found: Drift) -> None:
    by_owner: dict[str, int] = {}
    for each in found.differences:
        by_owner[each.owner] = by_owner.get(each.owner, 0) + 1
    noted.note(DRIFT, {"stacks": list(found.stacks), "owners": by_owner})
    if found.verdict:
        noted.note(PROOF, {"answer": found.verdict.answer.value, "on": "what was read back"})
