"""Refuses, before any engine call, what would lose or move a tenant that is deployed.

`protect` on resources cannot do this alone: an update deletes what it meets before the protected
one, and it sees names, not intentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from onboarding.errors import Refused
from onboarding.state import PLACEMENT_TYPE, TENANT_TYPE, StackState
from tenancy.errors import Problem
from tenancy.estate import StackPlan

_START_OVER = (
    "; to give up the embedded cloud with all that lies in it and start over: make down CLEAR=1"
)

_FIELDS: Mapping[str, str] = {
    "tier": "isolation.tier",
    "environment": "environment",
    "cloud": "cloud",
    "account": "account_id",
    "region": "region",
    "storage": "isolation.storage",
    "catalog": "isolation.catalog",
    "network": "cidr",
}
"""Where a tenant's file says what each part of an anchor holds."""

_OF_THE_ENVIRONMENT: Mapping[str, str] = {
    "account": "account_id",
    "region": "region",
    "network": "network.platform",
}
"""What comes from the stack's configuration, unless the tenant is hard, and where it stands."""


@dataclass(frozen=True)
class Anchored:
    """A tenant and where it lives, as its anchor's name tells it (`Placement.anchor`).

    Attributes:
        facts: `tier`, `region` and such; empty when only the tenant's component, and not yet its
            anchor, was created.
    """

    tenant: str
    stack: str
    facts: Mapping[str, str]

    @classmethod
    def of_anchor(cls, name: str, stack: str) -> Anchored:
        """Read `acme tier=soft environment=prod ...`."""
        tenant, *facts = name.split()
        return cls(tenant, stack, dict(fact.split("=", 1) for fact in facts))


def deployed_tenants(stack: str, state: StackState) -> tuple[Anchored, ...]:
    """The tenants of one stack's state, those included whose creation stopped half-way."""
    anchored = [Anchored.of_anchor(r.name, stack) for r in state.of_type(PLACEMENT_TYPE)]
    known = {tenant.tenant for tenant in anchored}
    unanchored = (r.name for r in state.of_type(TENANT_TYPE) if r.name not in known)
    return (*anchored, *(Anchored(tenant, stack, {}) for tenant in unanchored))


def planned_tenants(plans: Iterable[StackPlan]) -> tuple[Anchored, ...]:
    """The tenants that the files want in these stacks."""
    return tuple(
        Anchored.of_anchor(tenant.placement.anchor, plan.name)
        for plan in plans
        for tenant in plan.tenants
    )


def check(deployed: Iterable[Anchored], planned: Iterable[Anchored]) -> None:
    """Compare what is deployed with what the files want.

    Both must cover the same stacks, all of those between which a tenant could move.

    Raises:
        Refused: with every tenant that was removed, and every fact changed that may not.
    """
    wanted = {tenant.tenant: tenant for tenant in planned}
    problems = [
        problem for tenant in deployed for problem in _problems(tenant, wanted.get(tenant.tenant))
    ]
    if problems:
        raise Refused(problems)


def _problems(deployed: Anchored, wanted: Anchored | None) -> list[Problem]:
    where = f"tenants/{deployed.tenant}.yaml"
    if wanted is None:
        return [
            Problem(
                where,
                "",
                f"tenant {deployed.tenant} is deployed in stack {deployed.stack}, and no file"
                " wants it any more, or its file says that it has left: its data would be deleted",
                f"put the file back as it was; `tenancy offboard {deployed.tenant} --to destroyed`"
                f" takes a tenant out, and ends what it began{_START_OVER}",
            )
        ]
    changed = [
        name
        for name, value in deployed.facts.items()
        if name in wanted.facts and wanted.facts[name] != value
    ]
    if not changed and deployed.stack != wanted.stack:
        return [_elsewhere(deployed, wanted)]
    if "tier" in changed:  # the account, region and layers follow from it: one cause, one message
        changed = ["tier"]
    return [_changed(name, deployed, wanted) for name in changed]


def _elsewhere(deployed: Anchored, wanted: Anchored) -> Problem:
    return Problem(
        f"Pulumi.{wanted.stack.partition('-')[0]}.yaml",
        "tenancy:environment.shards",
        f"tenant {deployed.tenant} is deployed in stack {deployed.stack} and belongs in stack"
        f" {wanted.stack} now: it would be made there anew and deleted where it is",
        "run `tenancy reshard`, which moves what the states say of it and touches no resource; or"
        " put `shards` back as it was",
    )


def _changed(name: str, deployed: Anchored, wanted: Anchored) -> Problem:
    of_environment = name in _OF_THE_ENVIRONMENT and wanted.facts["tier"] != "hard"
    field = _OF_THE_ENVIRONMENT[name] if of_environment else _FIELDS[name]
    value = deployed.facts[name]
    # A planned range moves when another tenant comes to need it: there is nothing to put back.
    mend = (
        f"write `cidr: {value}` there, which keeps its range"
        if field == "cidr"
        else f"put {value} back"
    )
    return Problem(
        f"Pulumi.{wanted.stack}.yaml" if of_environment else f"tenants/{deployed.tenant}.yaml",
        f"tenancy:environment.{field}" if of_environment else field,
        f"tenant {deployed.tenant} is deployed with {name} {value} in stack"
        f" {deployed.stack}; {wanted.facts[name]} would make it anew and leave its data behind",
        f"{mend}; a deployed tenant moves only by a migration, which does"
        f" not exist yet{_START_OVER}",
    )
