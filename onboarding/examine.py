"""What speaks against what the program makes, whatever is deployed: the proof, the rules, quotas.

Pure: recorded states come in; nothing is asked or changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from isolation.graph import Graph, Resource
from isolation.inventory import Inventory, tags
from isolation.proof import HELD_OFF, Options, prove_fences
from isolation.state import resources_of
from isolation.verdict import Answer, Counterexample, Verdict
from onboarding.owners import Entry, owners
from onboarding.planned import Code, PolicyFault, Refusal
from policies import cross_tenant
from policies.rule import Settings, faults
from policies.rules import RULES
from tenancy.estate import StackPlan
from tenancy.names import PLATFORM
from tenancy.organization import OrganizationPlan
from tenancy.quotas import Held, Usage, usages

_NAMED = (
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
)
"""Types whose names are unique in an account's region, and that have no ARN made of the name."""


Made = tuple[StackPlan | OrganizationPlan, Sequence[Entry]]
"""A stack, and the resources that the program makes of it."""


@dataclass(frozen=True)
class Examined:
    """What an estate says about itself.

    Attributes:
        verdict: the proof's, of all stacks together.
        policies: what the rules find.
        usages: how full each account and region will be.
        refusals: what follows from these, and from names that two things have.
    """

    verdict: Verdict
    policies: tuple[PolicyFault, ...]
    usages: tuple[Usage, ...]
    refusals: tuple[Refusal, ...]


def examine(
    stacks: Sequence[Made], neighbours: Mapping[str, Sequence[Entry]], vending: Sequence[Made] = ()
) -> Examined:
    """Examine what the program makes.

    Args:
        stacks: all of one environment, each with its resources.
        neighbours: resources of stacks of other environments in the same accounts, by stack.
        vending: the stack that vends the environment's accounts.
    """
    graph = _graph({plan.name: made for plan, made in (*vending, *stacks)})
    verdict, held_off = prove_fences(graph, Options(strict=True))
    policies = tuple(_policies(graph))
    held = [*_held(graph, stacks), *_held(_graph(neighbours), ())]
    found = usages(held, stacks[0][0].environment.limits)
    refusals = (
        *_reached(verdict),
        *(_grant(one, f"; {HELD_OFF}") for one in held_off),
        *_collisions(graph),
        *_overruns(found),
        *(_violated(fault) for fault in policies),
    )
    return Examined(verdict, policies, found, refusals)


def _graph(states: Mapping[str, Sequence[Entry]]) -> Graph:
    return Graph.of(
        resource
        for stack, entries in states.items()
        for resource in resources_of(entries, f"stack {stack}", whole=True)
    )


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


def _held(graph: Graph, stacks: Iterable[Made]) -> Iterator[Held]:
    whose: dict[str, str] = {}
    for plan, made in stacks:
        whose |= owners(made, plan)
    inventory = Inventory(graph)
    for resource in graph.resources:
        if resource.type.startswith("aws:"):
            owner = whose.get(resource.urn) or tags(resource).get("tenant", PLATFORM)
            account = inventory.account(resource)
            yield Held(resource.type, resource.inputs, account, resource.region, owner)
