"""No tenant reaches another's part: the proof, over what the program is about to make."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from isolation.graph import Graph, Resource
from isolation.proof import HELD_OFF, Options, prove_fences
from isolation.verdict import Counterexample
from policies.rule import EstateRule, Fault, Settings

_SHARD = "tenancy:aws:Shard"
"""In a stack that has tenants, and not what their account has once."""
_SETTINGS = "aws:lakeformation/dataLakeSettings:DataLakeSettings"
_TABLE = "aws:glue/catalogTable:CatalogTable"


def _find(graph: Graph, settings: Settings) -> Iterator[Fault]:
    graph = Graph.of((*graph.resources, *_elsewhere(graph)))
    verdict, held_off = prove_fences(graph, Options(strict=True, tag=settings.tag))
    if not verdict.counts["tenants"]:
        return  # a stack without tenants claims nothing
    by_urn = {resource.urn: resource for resource in graph.resources}
    for one in verdict.counterexamples:
        yield fault_of(one, by_urn)
    for one in held_off:
        yield fault_of(one, by_urn, HELD_OFF)
    for unknown in verdict.unknowns:
        yield Fault(None, f"is not understood, so nothing is proved: {unknown}")


def _elsewhere(graph: Graph) -> Iterator[Resource]:
    """Of a shard, the settings of Lake Formation that its account has in the platform's stack:
    closed, as the rule `lake-formation-closed` wants them there. All stacks together are proved by
    `tenancy check`, `plan` and `up`.
    """
    shard = next((one for one in graph.resources if one.type == _SHARD), None)
    table = next((one for one in graph.resources if one.type == _TABLE), None)
    if shard and table:
        closed = {"catalogId": table.account}
        yield replace(table, urn=f"{shard.urn}-lake", type=_SETTINGS, inputs=closed, outputs=closed)


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
