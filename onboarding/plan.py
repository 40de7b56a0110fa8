"""`tenancy plan`: what an update would do, and what speaks against it. Nothing is deployed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from onboarding.collection import without_collection
from onboarding.deploy import Target
from onboarding.judge import Deployed, Question, judge, refusals_of, refused_by_files
from onboarding.opened import Opened, opened
from onboarding.planned import Plan
from onboarding.previews import Kept
from onboarding.progress import Reporter
from onboarding.scope import Scope, scope_of
from tenancy.errors import InvalidInput
from tenancy.estate import Estate, StackPlan, load_estate


def plan(root: Path, reporter: Reporter, *, stack: str = "", tenant: str = "") -> Plan:
    """What an update would do, and what speaks against it. Nothing is deployed, no cloud started.

    Raises:
        InvalidInput: the files or the program cannot be used, or there is no such stack or tenant.
        LocalCloudError: no engine could be had.
        OperationFailed: the engine cannot preview.
    """
    estate = read_estate(root)
    if isinstance(estate, Plan):
        return estate
    scope = scope_of(estate, stack, tenant)
    with opened(root, scope, reporter) as found, without_collection():
        deployed = Deployed.read(found.target.engine, reporter)
        refused = refused_by_files(deployed, of_backend(estate, scope))
        if refused:
            return Plan(refusals=refused, tenant=tenant)
        target = found.running_cloud()
        judged = judge(question(found, deployed), target.engine, reporter)
        notes = (*judged.plan.notes, *_notes(target, deployed, scope))
        return replace(judged.plan, notes=notes)


def read_estate(root: Path) -> Estate | Plan:
    """The estate; or a plan that refuses what the files alone show to be unsafe."""
    try:
        return load_estate(root)
    except InvalidInput as error:
        refused = refusals_of(error.problems)
        if len(refused) < len(error.problems):
            raise
        return Plan(refusals=tuple(sorted(refused, key=lambda refusal: refusal.code)))


def of_backend(estate: Estate, scope: Scope) -> Iterable[StackPlan]:
    """All stacks that the files want in the backend of the scope's."""
    return [plan for plan in estate.stacks if plan.environment.embedded == scope.embedded]


def question(found: Opened, deployed: Deployed) -> Question:
    """What `judge` is asked about opened stacks, with the previews that are kept."""
    return Question(found.root, found.scope, deployed, Kept(found.layout.home / "previews"))


def _notes(target: Target, deployed: Deployed, scope: Scope) -> Iterator[str]:
    """What `tenancy up` will have to mend or make first."""
    for plan in scope.plans:
        if not plan.account_vended:
            yield f"stack {plan.name}: its account is not vended yet; a number stands in for it"
        state = deployed.state(plan.name)
        if state.pending:
            yield f"stack {plan.name}: a run was killed; `tenancy up` first mends what it left"
        if not state.in_cloud or not target.deployments:
            continue
        if target.cloud is None:
            yield f"stack {plan.name}: the embedded cloud does not run; `tenancy up` makes all anew"
        elif not target.holds(plan.name):
            yield f"stack {plan.name} is not in the cloud that runs; `tenancy up` makes it anew"
