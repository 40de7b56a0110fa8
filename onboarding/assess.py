"""Judges an update: what it would change, cost and lose, beside what was examined.

Pure: states, recorded or exported, and the engine's steps come in; nothing is asked or changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from onboarding.events import Step
from onboarding.examine import Examined
from onboarding.owners import Entry, name_of, owners
from onboarding.planned import Change, Code, CostChange, Plan, Refusal, StackChanges
from onboarding.state import PLACEMENT_TYPE
from tenancy import cost
from tenancy.estate import StackPlan
from tenancy.names import PLATFORM
from tenancy.organization import OrganizationPlan
from tenancy.quotas import Forecast, Usage, forecast
from tenancy.tiers import Tier

_DATA = frozenset(
    {
        PLACEMENT_TYPE,
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:glue/catalogDatabase:CatalogDatabase",
        "aws:glue/catalogTable:CatalogTable",
        "aws:kms/key:Key",
        "aws:rds/instance:Instance",
        "aws:s3/bucket:Bucket",
        "aws:secretsmanager/secret:Secret",
        "aws:sqs/queue:Queue",
    }
)
"""What holds data, or without which data cannot be read: it is neither deleted nor replaced."""

_OPS = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "delete": "delete",
    "import": "create",
}
"""The engine's operations that change something -> what a plan calls them."""

_SHOWN = 10
"""Refusals of one kind that are listed; more of them would say nothing new."""


@dataclass(frozen=True)
class Planned:
    """One stack, as it is and as it would be.

    Attributes:
        deployed: its state; empty where it was never deployed.
        wanted: what the program makes of the files.
        steps: the engine's, from a preview; None where there was none to be had, as for a stack
            that was never deployed: all is made then.
        protected: URNs of what the engine would have to delete and may not.
        twice: URNs that the program uses for two resources.
    """

    plan: StackPlan | OrganizationPlan
    deployed: Sequence[Entry]
    wanted: Sequence[Entry]
    steps: Sequence[Step] | None = None
    protected: Sequence[str] = ()
    twice: Sequence[str] = ()


def assess(
    examined: Examined,
    stacks: Sequence[Planned],
    chosen: Iterable[str],
    organizations: Sequence[Planned] = (),
) -> Plan:
    """Everything that is known before an update of the stacks ``chosen``.

    Args:
        examined: what the program makes of the stacks.
        stacks: all of one environment.
        chosen: names of the stacks that would be updated.
        organizations: the stack that vends the environment's accounts, deployed before the others.
    """
    names = set(chosen)
    environment = stacks[0].plan.environment
    every = (*organizations, *stacks)
    changes = tuple(_changes(stack) for stack in every if stack.plan.name in names)
    prices = cost.prices_of(environment.price_region)
    refusals = [
        *examined.refusals,
        *(_twice(urn) for stack in every for urn in stack.twice),
        *(refusal for stack in every for refusal in _losses(stack, changes)),
    ]
    return Plan(
        refusals=tuple(sorted(_some(refusals), key=lambda refusal: refusal.code)),
        stacks=changes,
        verdict=examined.verdict,
        policies=examined.policies,
        costs=_costs(stacks, prices) if prices else (),
        currency=prices.currency if prices else "",
        notes=() if prices else (cost.unpriced(environment.price_region),),
        usages=examined.usages,
        forecasts=_forecasts(stacks, examined.usages),
    )


def _changes(stack: Planned) -> StackChanges:
    entries = (*stack.deployed, *stack.wanted)
    whose = {**owners(stack.deployed, stack.plan), **owners(stack.wanted, stack.plan)}
    # A recording names the groups that a resource is in otherwise than the engine does.
    by_name = {(e["type"], name_of(e["urn"])): whose[e["urn"]] for e in entries}
    if stack.steps is None:
        made = [entry for entry in stack.wanted if _is_thing(entry["type"])]
        return StackChanges(
            stack.plan.name,
            new=True,
            unchanged=0,
            changes=tuple(
                Change(_tenant(whose[e["urn"]]), "create", e["type"], name_of(e["urn"]), e["urn"])
                for e in made
            ),
        )
    found: dict[str, Change] = {}
    same = 0
    for step in stack.steps:
        if not _is_thing(step.type):
            continue
        op = _OPS.get(step.op)
        if op is None:
            same += step.op == "same" and not step.done
            continue
        before = found.get(step.urn)
        if before is None or (before.op, op) == ("delete", "replace"):
            owner = by_name.get((step.type, step.name), PLATFORM)
            found[step.urn] = Change(
                _tenant(owner), op, step.type, step.name, step.urn, step.properties
            )
    return StackChanges(
        stack.plan.name,
        new=not stack.deployed,
        unchanged=same,
        changes=tuple(found.values()),
    )


def _is_thing(type_: str) -> bool:
    """Whether it is something in the cloud, or the anchor of a tenant, and no group of others."""
    return type_ == PLACEMENT_TYPE or not type_.startswith(("tenancy:", "pulumi:"))


def _tenant(owner: str) -> str:
    return "" if owner == PLATFORM else owner


def _twice(urn: str) -> Refusal:
    return Refusal(
        Code.COLLISION,
        urn,
        f"the program makes two resources of the name {name_of(urn)} and one type",
        "give each a name of its own",
    )


def _losses(stack: Planned, changes: Iterable[StackChanges]) -> Iterator[Refusal]:
    lost = dict.fromkeys(stack.protected, "is protected, and would have to be replaced or deleted")
    for each in changes:
        if each.stack != stack.plan.name:
            continue
        for change in each.changes:
            if change.op in ("replace", "delete") and change.type in _DATA:
                why = f", for its {', '.join(change.properties)}" if change.properties else ""
                lost[change.urn] = f"would be {change.op}d{why}"
    for urn, words in lost.items():
        yield Refusal(
            Code.DATA_LOSS,
            urn,
            f"{name_of(urn)} {words}: what it holds would be lost",
            "put back what changed; data moves only by a migration, and goes only by offboarding",
        )


def _some(refusals: Iterable[Refusal]) -> Iterator[Refusal]:
    """Without repetition, and of each kind only so many as anybody reads."""
    by_code: dict[Code, list[Refusal]] = defaultdict(list)
    for refusal in dict.fromkeys(refusals):
        by_code[refusal.code].append(refusal)
    for code, found in by_code.items():
        yield from found[:_SHOWN]
        if left := found[_SHOWN:]:
            remedies = dict.fromkeys(refusal.remedy for refusal in left)
            yield Refusal(code, "elsewhere", f"{len(left)} more of the kind", "; ".join(remedies))


def _costs(stacks: Iterable[Planned], prices: cost.Prices) -> tuple[CostChange, ...]:
    known = tuple(stacks)
    today = monthly([stack.deployed for stack in known], prices)
    planned = monthly([stack.wanted for stack in known], prices)
    tenants = {id_ for stack in known for id_ in stack.plan.tenant_ids}
    payers = sorted(tenants | today.keys() | planned.keys() - {PLATFORM})
    zero = Decimal(0)
    return tuple(
        CostChange(owner, today.get(owner, zero), planned.get(owner, zero))
        for owner in dict.fromkeys((PLATFORM, *payers))
    )


def monthly(states: Iterable[Sequence[Entry]], prices: cost.Prices) -> dict[str, Decimal]:
    """Owner -> what it costs a month by being there, of the states of an environment's stacks."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for entries in states:  # one by one: names are unique in a stack
        resources = [cost.Resource(e["type"], e.get("inputs") or {}) for e in entries]
        for owner, items in cost.monthly(resources, prices).items():
            found[owner] += sum(items.values())
    return found


def _forecasts(stacks: Sequence[Planned], found: Iterable[Usage]) -> tuple[Forecast, ...]:
    environment = stacks[0].plan.environment
    tiers: dict[str, list[str]] = {tier.label: [] for tier in Tier}
    for stack in stacks:
        for settings in stack.plan.tenants:
            tiers[settings.placement.tier].append(settings.id)
    shared = [
        usage
        for usage in found
        if (usage.account == environment.account_id and usage.region in ("", environment.region))
        or usage.name == "peerings_per_vpc"
    ]
    return forecast(shared, tiers)
