"""An estate without its second fence: what would hold if only the grants did.

Permissions boundaries and the denials of buckets' and keys' policies hold off a grant that names
another tenant's part, and so the proof does not see it. It is a mistake all the same: one fence
less, and it is a breach.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from isolation.graph import Graph, Resource
from isolation.inventory import as_text
from isolation.proof import Options, prove
from isolation.verdict import Counterexample, Verdict

_ROLES = ("aws:iam/role:Role", "aws:iam/user:User")
_FENCED = ("aws:s3/bucketPolicy:BucketPolicy", "aws:kms/key:Key")


HELD_OFF = "only a permissions boundary or a denial holds it off"
"""Of a grant on another's part that is one fence away from a breach."""


def held_off(graph: Graph, verdict: Verdict, options: Options) -> tuple[Counterexample, ...]:
    """What grants reach that only the second fence holds off.

    ``verdict`` is the proof's on the graph; where it is not proven, what is wrong is told already
    and nothing more is.
    """
    return prove(grants_alone(graph), options).counterexamples if verdict.proven else ()


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
