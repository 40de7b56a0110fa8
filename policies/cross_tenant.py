"""No tenant reaches another's part: the proof, over what the program is about to make."""

from collections.abc import Iterator, Mapping

from isolation.graph import Graph, Resource
from isolation.proof import HELD_OFF, Options, prove_fences
from isolation.verdict import Counterexample
from policies.rule import EstateRule, Fault, Settings

_SHARD = "tenancy:aws:Shard"
"""In a stack that has tenants, and not what their account has once."""


def _find(graph: Graph, settings: Settings) -> Iterator[Fault]:
    verdict, held_off = prove_fences(graph, Options(strict=True, tag=settings.tag))
    if not verdict.counts["tenants"]:
        return  # a stack without tenants claims nothing
    by_urn = {resource.urn: resource for resource in graph.resources}
    # Of a shard, what follows from the absence of what another stack has is not so: all stacks
    # together are proved by `tenancy check`, `plan` and `up`.
    part = any(resource.type == _SHARD for resource in graph.resources)
    for one in verdict.counterexamples:
        fault = fault_of(one, by_urn)
        if fault.resource or not part:
            yield fault
    for one in held_off:
        yield fault_of(one, by_urn, HELD_OFF)
    for unknown in verdict.unknowns:
        yield Fault(None, f"is not understood, so nothing is proved: {unknown}")


def fault_of(one: Counterexample, by_urn: Mapping[str, Resource], besides: str = "") -> Fault:
    """A counterexample as what is wrong with the resource that allows it, if one does.

    ``besides``: what else is to be said of it.
    """
    at = next((place for place in one.because if place.urn in by_urn), None)
    whose = f"{one.owner}'s" if one.owner else "the platform's"
    who = f"{one.principal}" + (f" (of {one.tenant})" if one.tenant else "")
    return Fault(
        by_urn[at.urn] if at else None,
        f"lets {who} {one.action} {one.resource}, which is {whose}: {one.rule}"
        + (f", by {at.text}" if at else "")
        + "".join(f"; {said}" for said in (besides, one.remedy) if said),
    )


RULE = EstateRule(
    name="no-cross-tenant-grant",
    description="No principal of one tenant reaches what is another's, and nobody what guards it.",
    remedy="narrow the statement to the tenant's own names; `tenancy prove` shows the whole chain",
    find=_find,
)
