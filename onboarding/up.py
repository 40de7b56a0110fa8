"""`tenancy up`: judge, ask, deploy in the order of dependency, verify from outside. No exits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from onboarding import vending
from onboarding.collection import without_collection
from onboarding.deploy import Target, deploy, is_held, mend
from onboarding.deployed import Finished
from onboarding.judge import Deployed, Judged, judge, keep_settled, refused_by_files
from onboarding.noted import PROOF, Noted
from onboarding.opened import Opened, opened
from onboarding.parallel import at_once
from onboarding.plan import of_backend, question, read_estate
from onboarding.planned import Plan
from onboarding.previews import Preview
from onboarding.progress import Reporter
from onboarding.recordings import program_key
from onboarding.scope import Scope, scope_of
from onboarding.state import StackState
from onboarding.summary import StackSummary, TenantSummary, tenants_of
from onboarding.verify import Verified, prepare, verify
from tenancy.estate import StackPlan, load_estate

Confirm = Callable[[Plan], bool]
"""Told a plan without refusals: whether to go on."""


class RefusedPlan(Exception):
    """A plan that speaks against its update: nothing was deployed."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.plan = plan

    def __str__(self) -> str:
        return "\n".join(map(str, self.plan.refusals))


@dataclass(frozen=True)
class UpResult:
    """What `up` did and what exists now.

    Attributes:
        endpoint: the embedded cloud's URL for AWS clients; empty for another cloud.
        instance: its id.
        verified: what was found from outside, of each tenant of the stacks.
        plan: what was judged before; None where nobody asks.
        declined: whether the user did not want it: nothing was deployed.
    """

    endpoint: str
    instance: str
    stacks: tuple[StackSummary, ...] = ()
    tenants: tuple[TenantSummary, ...] = ()
    verified: tuple[Verified, ...] = ()
    plan: Plan | None = field(default=None, repr=False)
    declined: bool = False

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "endpoint": self.endpoint,
            "instance": self.instance,
            "stacks": [asdict(stack) for stack in self.stacks],
            "tenants": [asdict(tenant) for tenant in self.tenants],
            "verified": {each.tenant: list(each.found) for each in self.verified},
            "plan": self.plan.to_json() if self.plan else None,
            "declined": self.declined,
        }


def up(
    root: Path, reporter: Reporter, confirm: Confirm, *, stack: str = "", tenant: str = ""
) -> UpResult:
    """Deploy what the files say, after judging it, and see that it is there.

    Args:
        root: the project.
        reporter: where progress goes.
        confirm: asked once, if anything would change.
        stack: see `scope_of`.
        tenant: see `scope_of`.

    Raises:
        RefusedPlan: something speaks against it; nothing was deployed, and where the files alone
            say so, neither was an engine asked nor a cloud started.
        InvalidInput: the files or the program cannot be used.
        LocalCloudError: no engine could be had, or the embedded cloud does not start.
        OperationFailed, Busy, Unfinished: see `deploy` and `mend`.
        Missing: see `verify`.
    """
    estate = read_estate(root)
    if isinstance(estate, Plan):
        raise RefusedPlan(estate)
    scope = scope_of(estate, stack, tenant)
    with opened(root, scope, reporter) as found, without_collection():
        engine = found.target.engine
        held = any(is_held(found.target, name) for name in scope.chosen)
        before = Deployed.read(engine, reporter)
        refused = refused_by_files(before, of_backend(estate, scope))
        if refused:
            raise RefusedPlan(Plan(refusals=refused, tenant=tenant))
        target = found.start_cloud()
        lacking = any(not plan.account_vended for plan in scope.plans)
        # In a cloud that is new, accounts are there before stacks in them are looked at; else they
        # are vended, or changed, when nothing speaks against it.
        anew = not lacking and _is_new(target, scope)
        vended = _vend(found, target, {}) if anew else ()
        mended = _mend(target, scope, reporter, None if held else before)
        if held or vended or any(mended.values()):  # then they are not what they were
            before = Deployed.read(engine, reporter)
        judged = _judge(found, before, reporter)
        if judged.plan.changed and not confirm(judged.plan):
            return UpResult(target.endpoint, target.instance, plan=judged.plan, declined=True)
        if not anew:
            vended = _vend(found, target, judged.previews)
        if lacking:
            scope = scope_of(load_estate(root), stack, tenant)
            mended = _mend(target, scope, reporter) | mended
            before = Deployed.read(engine, reporter)
            judged = _judge(replace(found, scope=scope), before, reporter)
        update = Update(target, scope, judged, before, mended)
        with ThreadPoolExecutor(1) as aside:  # it has time: the engine does the work
            aside.submit(prepare, scope.stacks[0].region)
            summaries, after = update.run(reporter)
        settled = [name for name in scope.chosen if update.settled(name, after)]
        keep_settled(question(replace(found, scope=scope), after), judged.programs, settled)
        tenants = tuple(
            one
            for name in scope.chosen
            for one in tenants_of(name, after.state(name), target.endpoint)
        )
        verified = verify(tenants, scope.plans)
        if judged.plan.verdict:
            noted = Noted.of(found.layout.home, scope.stacks[0].environment.name)
            answer = judged.plan.verdict.answer.value
            noted.note(PROOF, {"answer": answer, "on": "what was deployed"})
    return UpResult(
        target.endpoint, target.instance, (*vended, *summaries), tenants, verified, judged.plan
    )


def _is_new(target: Target, scope: Scope) -> bool:
    """Whether the cloud is another than the one that the accounts were vended in."""
    plan = scope.organization
    return plan is not None and target.cloud is not None and not target.holds(plan.name)


def _vend(
    found: Opened, target: Target, previews: Mapping[str, Preview]
) -> tuple[StackSummary, ...]:
    """Have the accounts vended that tenants lack, and write down which they are."""
    summaries = []
    for plan in found.scope.vended:
        program = program_key(found.root, plan)
        state = target.engine.export(plan.name) or StackState()
        summary = _unchanged(target, plan.name, program, state)
        if summary is None or is_held(target, plan.name):
            reasons = mend(target, plan.name, found.reporter)
            preview = None if reasons else previews.get(plan.name)
            updated = deploy(target, plan.name, found.reporter, preview=preview, program=program)
            summary = replace(updated.summary, mended=reasons)
            state = StackState.of(updated.exported)
            left = Deployed({plan.name: updated.exported})
            keep_settled(question(found, left), {plan.name: program}, (plan.name,))
        for file in vending.write_down(found.root, plan, vending.vended_in(state)):
            found.reporter.say(f"{plan.name}: {file} tells the account from now on")
        summaries.append(summary)
    return tuple(summaries)


def _unchanged(target: Target, stack: str, program: str, state: StackState) -> StackSummary | None:
    """The summary of a stack that is as the last update of the very same program left it."""
    now = Finished(target.instance, program, state.updated)
    if target.deployments is None or target.deployments.finished(stack) != now:
        return None
    return StackSummary(stack, {"same": len(state.resources)}, len(state.in_cloud), (), 0.0)


def _mend(
    target: Target, scope: Scope, reporter: Reporter, known: Deployed | None = None
) -> dict[str, tuple[str, ...]]:
    """Stack -> what was wrong with it, of those whose account is there.

    ``known`` are their states, where nobody held a stack when they were read.
    """
    plans = [plan for plan in scope.plans if plan.account_vended]
    if target.cloud:
        for plan in plans:
            target.cloud.open_account(plan.account_id)
    states = known.states if known else {}
    return {
        plan.name: mend(
            target,
            plan.name,
            reporter,
            StackState.of(states[plan.name]) if plan.name in states else None,
        )
        for plan in plans
    }


def _judge(found: Opened, deployed: Deployed, reporter: Reporter) -> Judged:
    """Judge, and refuse. Raises RefusedPlan."""
    judged = judge(question(found, deployed), found.target.engine, reporter)
    if judged.plan.refusals:
        raise RefusedPlan(judged.plan)
    return judged


@dataclass(frozen=True)
class Update:
    """The update of a scope's stacks, after all was judged.

    Attributes:
        before: the states that were judged.
        mended: stack -> what was wrong with it.
    """

    target: Target
    scope: Scope
    judged: Judged
    before: Deployed
    mended: Mapping[str, tuple[str, ...]]

    def run(self, reporter: Reporter) -> tuple[tuple[StackSummary, ...], Deployed]:
        """The platform's stack, then the others at once. Raises the first failure, tells others.

        Returns:
            what was done, in the order of the stacks, and the states that it left.
        """
        done: dict[str, StackSummary] = {}
        now = self.before
        for wave in _waves(self.scope.plans):
            # What was previewed holds only while what other stacks tell is still the same.
            holds = all(
                now.state(plan.name).outputs == self.before.state(plan.name).outputs
                for plan in self.scope.plans
            )
            settled = {name: same for name in wave if holds and (same := self._unneeded(name))}
            jobs = {
                name: partial(
                    deploy,
                    self.target,
                    name,
                    reporter,
                    preview=self.judged.previews.get(name) if holds else None,
                    program=self.judged.programs[name],
                )
                for name in wave
                if name not in settled
            }
            updated = at_once(jobs, self.target.engine.interrupt, reporter.say)
            done |= settled | {name: each.summary for name, each in updated.items()}
            now = now.after({name: each.exported for name, each in updated.items()})
        summaries = [replace(done[name], mended=self.mended[name]) for name in self.scope.chosen]
        return tuple(summaries), now

    def settled(self, stack: str, states: Deployed) -> StackSummary | None:
        """The summary of a stack that is as the last update of the very same program left it."""
        program = self.judged.programs[stack]
        return _unchanged(self.target, stack, program, states.state(stack))

    def _unneeded(self, stack: str) -> StackSummary | None:
        """The summary of a stack that needs no update: it could only write the same again.

        That is where the engine finds no change, and the state is as the last update of the very
        same program left it.
        """
        preview = self.judged.previews.get(stack)
        if preview is None or preview.changes or self.mended[stack]:
            return None
        return self.settled(stack, self.before)


def _waves(plans: Sequence[StackPlan]) -> Iterator[list[str]]:
    """Shards and hard tenants' stacks read the platform's outputs; they know none of each other."""
    for reading in (False, True):
        names = [plan.name for plan in plans if (plan.hard or plan.shard) is reading]
        if names:
            yield names
