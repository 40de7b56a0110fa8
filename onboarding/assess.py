"""Judges what an update would make: the proof, the rules, costs, quotas, and what would be lost.

Pure: states, recorded or exported, and the engine's steps come in; nothing is asked or changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from isolation.graph import Graph, Resource
from isolation.inventory import Inventory, tags
from isolation.proof import HELD_OFF, Options, prove_fences
from isolation.state import resources_of
from isolation.verdict import Answer, Counterexample, Verdict
from onboarding.events import Step
from onboarding.planned import Change, Code, CostChange, Plan, PolicyFault, Refusal, StackChanges
from onboarding.state import PLACEMENT_TYPE, TENANT_TYPE
from policies import cross_tenant
from policies.rule import Settings, faults
from policies.rules import RULES
from tenancy import cost
from tenancy.estate import StackPlan
from tenancy.names import PLATFORM
from tenancy.organization import OrganizationPlan
from tenancy.quotas import Forecast, Held, Usage, forecast, usages
from tenancy.tiers import Tier

Entry = Mapping[str, Any]
"""A resource as an exported state has it."""

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

_NAMED = (
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
)
"""Types whose names are unique in an account's region, and that have no ARN made of the name."""

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
    stacks: Sequence[Planned],
    neighbours: Mapping[str, Sequence[Entry]],
    chosen: Iterable[str],
    organizations: Sequence[Planned] = (),
) -> Plan:
    """Everything that is known before an update of the stacks ``chosen``.

    Args:
        stacks: all of one environment.
        neighbours: what the program makes of stacks of other environments in the same accounts.
        chosen: names of the stacks that would be updated.
        organizations: the stack that vends the environment's accounts, deployed before the others.
    """
    names = set(chosen)
    environment = stacks[0].plan.environment
    every = (*organizations, *stacks)
    graph = _graph({stack.plan.name: stack.wanted for stack in every})
    verdict, held_off = prove_fences(graph, Options(strict=True))
    policies = tuple(_policies(graph))
    held = [
        *_held(graph, stacks),
        *_held(_graph(neighbours), ()),
    ]
    found = usages(held, environment.limits)
    changes = tuple(_changes(stack) for stack in every if stack.plan.name in names)
    prices = cost.prices_of(environment.price_region)
    refusals = [
        *_reached(verdict),
        *(_grant(one, f"; {HELD_OFF}") for one in held_off),
        *_collisions(graph),
        *(_twice(urn) for stack in every for urn in stack.twice),
        *_overruns(found),
        *(refusal for stack in every for refusal in _losses(stack, changes)),
        *(_violated(fault) for fault in policies),
    ]
    return Plan(
        refusals=tuple(sorted(_some(refusals), key=lambda refusal: refusal.code)),
        stacks=changes,
        verdict=verdict,
        policies=policies,
        costs=_costs(stacks, prices) if prices else (),
        currency=prices.currency if prices else "",
        notes=() if prices else (cost.unpriced(environment.price_region),),
        usages=found,
        forecasts=_forecasts(stacks, found),
    )


def _graph(states: Mapping[str, Sequence[Entry]]) -> Graph:
    return Graph.of(
        resource
        for stack, entries in states.items()
        for resource in resources_of(entries, f"stack {stack}", whole=True)
    )


def _changes(stack: Planned) -> StackChanges:
    entries = (*stack.deployed, *stack.wanted)
    whose = {**owners(stack.deployed, stack.plan), **owners(stack.wanted, stack.plan)}
    # A recording names the groups that a resource is in otherwise than the engine does.
    by_name = {(e["type"], _name(e["urn"])): whose[e["urn"]] for e in entries}
    if stack.steps is None:
        made = [entry for entry in stack.wanted if _is_thing(entry["type"])]
        return StackChanges(
            stack.plan.name,
            new=True,
            unchanged=0,
            changes=tuple(
                Change(_tenant(whose[e["urn"]]), "create", e["type"], _name(e["urn"]), e["urn"])
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


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _tenant(owner: str) -> str:
    return "" if owner == PLATFORM else owner


def owners(entries: Iterable[Entry], plan: StackPlan | OrganizationPlan | None) -> dict[str, str]:
    """URN -> whose it is: by its tag, by the tenant's component that it is in, or the stack's."""
    by_urn = {entry["urn"]: entry for entry in entries}
    found: dict[str, str] = {}

    def owner(urn: str) -> str:
        entry = by_urn.get(urn)
        if entry is None:
            return plan.owner if plan else PLATFORM
        if urn not in found:  # a recording names the children before their parent
            found[urn] = _own(entry) or owner(entry.get("parent") or "")
        return found[urn]

    return {urn: owner(urn) for urn in by_urn}


def _own(entry: Entry) -> str:
    """The owner that a resource names itself; empty where it names none."""
    if entry["type"] == TENANT_TYPE:
        return _name(entry["urn"])
    sides = (entry.get("inputs") or {}, entry.get("outputs") or {})
    tagged = (side["tags"] for side in sides if isinstance(side.get("tags"), Mapping))
    return next((str(given["tenant"]) for given in tagged if "tenant" in given), "")


def _reached(verdict: Verdict) -> Iterator[Refusal]:
    for one in verdict.counterexamples:
        yield _grant(one, "")
    if verdict.answer is Answer.UNKNOWN:
        for unknown in verdict.unknowns or ("the proof gives no reason",):
            yield Refusal(
                Code.UNPROVEN,
                "the proof",
                f"this is not understood, so it counts as allowed: {unknown}",
                "write it in a form that the proof knows; docs/proof.md lists them",
            )


def _grant(one: Counterexample, besides: str) -> Refusal:
    who = f"{one.principal} (of {one.tenant})" if one.tenant else one.principal
    whose = f"{one.owner}'s" if one.owner else "the platform's"
    because = f", by {one.because[0].text}" if one.because else ""
    where = next((place.urn for place in one.because if place.urn), one.principal)
    return Refusal(
        Code.CROSS_TENANT,
        where,
        f"{who} may {one.action} {one.resource}, which is {whose}{because} ({one.rule}){besides}",
        one.remedy,
    )


def _policies(graph: Graph) -> Iterator[PolicyFault]:
    for rule in RULES:
        if rule is cross_tenant.RULE:
            continue  # it is the proof, which is asked of all stacks together
        for fault in faults(rule, graph, Settings()):
            subject = f"{fault.resource.name} ({fault.resource.type}) " if fault.resource else ""
            yield PolicyFault(
                stack=fault.resource.urn.split(":", 3)[2] if fault.resource else "",
                rule=rule.name,
                urn=fault.resource.urn if fault.resource else "",
                message=f"{subject}{fault.text}",
                remedy=rule.remedy,
            )


def _violated(fault: PolicyFault) -> Refusal:
    return Refusal(
        Code.POLICY, fault.urn or "the estate", f"{fault.message} (rule {fault.rule})", fault.remedy
    )


def _collisions(graph: Graph) -> Iterator[Refusal]:
    inventory = Inventory(graph)
    first: dict[tuple[str, ...], Resource] = {}
    for resource in graph.resources:
        identity = _identity(inventory, resource)
        if not identity:
            continue
        other = first.setdefault(identity, resource)
        if other is not resource:
            yield Refusal(
                Code.COLLISION,
                resource.urn,
                f"{identity[-1]} is also the name of {other.urn}",
                "give each a name of its own; names come from tenancy/names.py, which keeps"
                " tenants' apart",
            )


def _twice(urn: str) -> Refusal:
    return Refusal(
        Code.COLLISION,
        urn,
        f"the program makes two resources of the name {_name(urn)} and one type",
        "give each a name of its own",
    )


def _identity(inventory: Inventory, resource: Resource) -> tuple[str, ...]:
    if resource.type in _NAMED:
        place = (inventory.account(resource), resource.region)
        return (resource.type, *place, str(resource.inputs.get("name", "")))
    if resource.type in ("aws:kms/key:Key", "aws:sns/topicSubscription:TopicSubscription"):
        return ()  # AWS names them
    arn = inventory.arn(resource)
    # A record of a name in Inventory is made from inputs; one without is not known yet.
    return (resource.type, arn) if arn else ()


def _overruns(found: Iterable[Usage]) -> Iterator[Refusal]:
    for usage in found:
        if not usage.exceeded:
            continue
        raises = (
            "AWS does not raise it: give some tenants an environment of their own"
            if usage.most == usage.limit
            else f"have AWS raise it, then write `limits: {{{usage.name}: <value>}}` for the"
            " environment; or give some tenants an environment of their own"
        )
        yield Refusal(
            Code.QUOTA, usage.place, f"{usage.used} {usage.what}, of at most {usage.limit}", raises
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
            f"{_name(urn)} {words}: what it holds would be lost",
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


def _held(graph: Graph, stacks: Iterable[Planned]) -> Iterator[Held]:
    whose: dict[str, str] = {}
    for stack in stacks:
        whose |= owners(stack.wanted, stack.plan)
    inventory = Inventory(graph)
    for resource in graph.resources:
        if resource.type.startswith("aws:"):
            owner = whose.get(resource.urn) or tags(resource).get("tenant", PLATFORM)
            account = inventory.account(resource)
            yield Held(resource.type, resource.inputs, account, resource.region, owner)


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
