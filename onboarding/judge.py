"""Judges an update before it is made: what it would do, cost and fill, and what speaks against it.

The engine previews, the recorder tells what the program makes, the guard compares with what is
deployed, and `assess` puts it together. Nothing is changed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from onboarding import columns, guard, previews
from onboarding.assess import Planned, assess
from onboarding.engine import Engine
from onboarding.errors import Refused
from onboarding.events import SAME, Step
from onboarding.examine import Examined, examine
from onboarding.parallel import at_once
from onboarding.planned import Code, Plan, Refusal
from onboarding.previews import Kept, Preview
from onboarding.progress import Reporter
from onboarding.recordings import Recorder, Recordings
from onboarding.scope import Scope
from onboarding.state import StackState
from tenancy.errors import InvalidInput, Kind, Problem
from tenancy.estate import Estate, StackPlan
from tenancy.organization import OrganizationPlan

Exported = Mapping[str, Any]
"""What `pulumi stack export` prints."""

_CODES = {
    Kind.ACCESS: Code.CROSS_TENANT,
    Kind.COLLISION: Code.COLLISION,
    Kind.QUOTA: Code.QUOTA,
    Kind.LOSS: Code.DATA_LOSS,
}


@dataclass(frozen=True)
class Deployed:
    """What the backend holds: stack -> its exported state, those that no file wants included."""

    states: Mapping[str, Exported]

    @classmethod
    def read(cls, engine: Engine, report: Reporter) -> Deployed:
        """Every stack of the project."""
        jobs = {name: partial(engine.exported, name) for name in engine.stacks()}
        return cls(at_once(jobs, engine.interrupt, report.say))

    def state(self, stack: str) -> StackState:
        """The stack's state; an empty one where it was never deployed."""
        return StackState.of(self.states.get(stack, {}))

    def after(self, updated: Mapping[str, Exported]) -> Deployed:
        """With the states that updates left."""
        return Deployed({**self.states, **updated})

    def entries(self, stack: str) -> list[dict[str, Any]]:
        """The stack's resources as the state has them."""
        deployment = self.states.get(stack, {}).get("deployment") or {}
        return list(deployment.get("resources") or ())


@dataclass(frozen=True)
class Judged:
    """A plan, and what it was made from.

    Attributes:
        programs: stack -> a digest of the program and its input.
        previews: stack -> the engine's preview; absent where the stack was never deployed.
    """

    plan: Plan
    programs: Mapping[str, str] = field(default_factory=dict)
    previews: Mapping[str, Preview] = field(default_factory=dict)


def refusals_of(problems: Iterable[Problem]) -> tuple[Refusal, ...]:
    """The problems of files that a plan refuses with a code of its own."""
    return tuple(
        Refusal(_CODES[p.kind], _where(p), p.rule, p.remedy) for p in problems if p.kind in _CODES
    )


def refused_by_files(deployed: Deployed, stacks: Iterable[StackPlan]) -> tuple[Refusal, ...]:
    """What the files would lose or move of what is deployed, told before any engine is asked.

    Args:
        deployed: all stacks of the backend.
        stacks: all that the files want in that backend: a tenant may have moved between them.
    """
    plans = tuple(stacks)
    states = {name: deployed.state(name) for name in deployed.states}
    there = [t for name, state in states.items() for t in guard.deployed_tenants(name, state)]
    open_columns = [c for state in states.values() for c in columns.deployed_columns(state)]
    checks: list[Callable[[], None]] = [
        lambda: guard.check(there, guard.planned_tenants(plans)),
        lambda: columns.check(open_columns, plans),
    ]
    problems: list[Problem] = []
    for check in checks:
        try:
            check()
        except Refused as refused:
            problems += refused.problems
    return tuple(Refusal(Code.DATA_LOSS, _where(p), p.rule, p.remedy) for p in problems)


@dataclass(frozen=True)
class Question:
    """What is to be judged.

    Attributes:
        root: the project.
        scope: the stacks.
        deployed: what the backend holds of them.
        kept: where previews are kept.
    """

    root: Path
    scope: Scope
    deployed: Deployed
    kept: Kept


def judge(question: Question, engine: Engine, report: Reporter) -> Judged:
    """All that is known before an update of the scope's chosen stacks.

    Raises:
        OperationFailed: the engine's preview fails.
        InvalidInput: the program fails.
    """
    scope, deployed = question.scope, question.deployed
    organizations = (scope.organization,) if scope.organization else ()
    with (
        Recorder(question.root, report, ahead=False) as recorder,
        ThreadPoolExecutor(1) as aside,
    ):
        programs = recorder.keys((*scope.stacks, *scope.neighbours, *organizations))
        # The proof takes as long as the program: both while the engine previews.
        examining = aside.submit(_examine, recorder, scope, organizations)

        def interrupt() -> None:
            engine.interrupt()
            recorder.interrupt()

        found = _previews(question, programs, partial(_preview, engine, report), interrupt, report)
        examined, recordings = examining.result()

        def planned(plan: StackPlan | OrganizationPlan) -> Planned:
            return _planned(plan, deployed, recordings, found.get(plan.name))

        plan = assess(
            examined,
            [planned(plan) for plan in scope.stacks],
            [plan.name for plan in scope.order],
            [planned(plan) for plan in organizations],
        )
    return Judged(replace(plan, tenant=scope.tenant), programs, found)


def _examine(
    recorder: Recorder, scope: Scope, organizations: Sequence[OrganizationPlan]
) -> tuple[Examined, Recordings]:
    """What the program makes of the scope, and what that says about itself. Raises InvalidInput."""
    found = recorder.record(Estate((*scope.stacks, *scope.neighbours), tuple(organizations)))
    _raise_failures(found)
    examined = examine(
        [(plan, found.entries(plan)) for plan in scope.stacks],
        {plan.name: found.entries(plan) for plan in scope.neighbours},
        [(plan, found.entries(plan)) for plan in organizations],
    )
    return examined, found


def _previews(
    question: Question,
    programs: Mapping[str, str],
    preview: Callable[[str], Preview],
    interrupt: Callable[[], None],
    report: Reporter,
) -> dict[str, Preview]:
    """Of each stack to deploy that holds something: kept ones that still hold, and new ones."""
    kept = question.kept
    keys = {
        plan.name: key_of_preview(question, plan, programs[plan.name])
        for plan in question.scope.order
        if question.deployed.state(plan.name).in_cloud
    }
    found = {name: known for name, key in keys.items() if (known := kept.of(name, key))}
    jobs = {name: partial(preview, name) for name in keys if name not in found}
    for name, made in at_once(jobs, interrupt, report.say).items():
        kept.keep(name, keys[name], made)
        found[name] = made
    return found


def _preview(engine: Engine, report: Reporter, stack: str) -> Preview:
    with report.operation(f"{stack}: preview", None) as shown:
        return previews.ask(engine, stack, shown.step)


def keep_settled(question: Question, programs: Mapping[str, str], stacks: Iterable[str]) -> None:
    """Keep as a stack's preview that nothing would change, of those that an update just left.

    What an update brought to its end is what the program says, so the very same program has nothing
    to change in the very state that it left.

    Args:
        question: with the states after the update.
        programs: stack -> a digest of the program and its input.
        stacks: names of those that were updated by these programs.
    """
    for plan in question.scope.order:
        if plan.name in stacks:
            state = question.deployed.state(plan.name)
            steps = tuple(Step(r.urn, SAME, r.type, r.name, done=False) for r in state.resources)
            key = key_of_preview(question, plan, programs[plan.name])
            question.kept.keep(plan.name, key, Preview(steps))


def key_of_preview(question: Question, plan: StackPlan | OrganizationPlan, program: str) -> str:
    """Of all that a preview depends on: of other stacks, what they tell."""
    files = [question.root / "Pulumi.yaml", question.root / f"Pulumi.{plan.name}.yaml"]
    deployed = question.deployed
    stacks = question.scope.stacks if isinstance(plan, StackPlan) else ()  # accounts come first
    others = [each.name for each in stacks if each.name != plan.name]
    return previews.key_of(
        program,
        *(file.read_bytes() if file.is_file() else b"" for file in files),
        repr(deployed.states.get(plan.name)),
        *(repr((name, deployed.state(name).outputs)) for name in others),
    )


def _planned(
    plan: StackPlan | OrganizationPlan,
    deployed: Deployed,
    recordings: Recordings,
    preview: Preview | None,
) -> Planned:
    return Planned(
        plan,
        deployed.entries(plan.name),
        recordings.entries(plan),
        preview.steps if preview else None,
        preview.protected if preview else (),
        preview.twice if preview else (),
    )


def _raise_failures(recordings: Recordings) -> None:
    problems = [
        Problem(
            failure.source or "__main__.py",
            "",
            f"stack {failure.stack}: the program fails: {failure.reason}",
            "mend the program; `tenancy check` runs it without an engine",
        )
        for failure in recordings.failures.values()
    ]
    if problems:
        raise InvalidInput(problems)


def _where(problem: Problem) -> str:
    return f"{problem.where}: {problem.field}" if problem.field else problem.where
