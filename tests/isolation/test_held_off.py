"""What the second fence holds off is seen without it, and nothing else is."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from isolation.graph import Graph, Resource
from isolation.inventory import as_text
from isolation.proof import prove, prove_fences
from isolation.verdict import Answer, Counterexample
from tests.isolation.small import (
    LAKE,
    Entry,
    allow,
    bucket,
    deny,
    graph,
    platform,
    role_arn,
    tenant,
)

_ROLES = ("aws:iam/role:Role", "aws:iam/user:User")
_FENCED = ("aws:s3/bucketPolicy:BucketPolicy", "aws:kms/key:Key")


BOUNDARY = "arn:aws:iam::111111111111:policy/boundary"
FENCE = deny("s3:*", f"{LAKE}/globex/*", Principal={"AWS": role_arn("acme")})
OPEN = allow(["s3:GetObject"], f"{LAKE}/acme/*", Principal={"AWS": role_arn("acme")})


def estate(*fence: dict[str, object], reaches: str = "*", **bounds: str) -> list[list[Entry]]:
    acme = tenant("acme", allow("s3:GetObject", f"{LAKE}/{reaches}"), prefix=f"{LAKE}/acme/*")
    globex = tenant("globex")
    for entries in (acme, globex):
        entries[0]["outputs"] |= bounds
    return [platform(*bucket("lake", *fence)), acme, globex]


def test_a_grant_that_only_a_denial_holds_off_is_seen_without_it() -> None:
    held = graph(*estate(FENCE, OPEN))
    (found,) = held_off(held)
    assert (found.tenant, found.owner) == ("acme", "globex")


def test_a_grant_that_only_a_boundary_holds_off_is_seen_without_it() -> None:
    policy = {
        "urn": "urn:pulumi:test::estate::aws:iam/policy:Policy::boundary",
        "type": "aws:iam/policy:Policy",
        "inputs": {},
        "outputs": {
            "arn": BOUNDARY,
            "policy": json.dumps({"Statement": [allow("s3:GetObject", f"{LAKE}/acme/*")]}),
        },
    }
    held = graph(*estate(permissionsBoundary=BOUNDARY), [policy])

    assert ("acme", "globex") in {(one.tenant, one.owner) for one in held_off(held)}


def test_a_bucket_whose_policy_only_denies_has_none_then_and_grants_by_name_still_hold() -> None:
    sound = graph(*estate(FENCE, reaches="acme/*"))
    alone = grants_alone(sound)
    assert not any(r.type == "aws:s3/bucketPolicy:BucketPolicy" for r in alone.resources)
    assert len(alone.resources) == len(sound.resources) - 1
    assert held_off(sound) == ()


def held_off(graph: Graph) -> tuple[Counterexample, ...]:
    """What the proof says only the second fence holds off: what it finds where there is none."""
    verdict, found = prove_fences(graph)
    assert verdict.answer is Answer.PROVEN
    assert found == prove(grants_alone(graph)).counterexamples
    return found


def grants_alone(graph: Graph) -> Graph:
    """The graph without permissions boundaries, and without what buckets and keys deny."""
    return Graph.of(found for one in graph.resources if (found := _without(one)) is not None)


def _without(resource: Resource) -> Resource | None:
    if resource.type in _ROLES:
        sides = (_unbounded(resource.inputs), _unbounded(resource.outputs))
        return replace(resource, inputs=sides[0], outputs=sides[1])
    if resource.type not in _FENCED:
        return resource
    inputs, outputs = _allowing(resource.inputs), _allowing(resource.outputs)
    if resource.type == _FENCED[0] and "policy" not in {**inputs, **outputs}:
        return None  # a bucket whose policy only denies would have none
    return replace(resource, inputs=inputs, outputs=outputs)


def _unbounded(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in properties.items() if name != "permissionsBoundary"}


def _allowing(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties with a policy of what is allowed only; what is no policy stays as it is."""
    try:
        document = json.loads(as_text(properties["policy"]))
        statements = document["Statement"]
        given = statements if isinstance(statements, list) else [statements]
        allowing = [one for one in given if one["Effect"] != "Deny"]
    except (KeyError, TypeError, ValueError):
        return properties
    if not allowing:
        return {name: value for name, value in properties.items() if name != "policy"}
    return {**properties, "policy": json.dumps({**document, "Statement": allowing})}
