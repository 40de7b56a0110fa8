"""What the second fence holds off is seen without it, and nothing else is."""

import json

from isolation.grants_alone import grants_alone
from isolation.graph import Graph
from isolation.proof import prove
from isolation.verdict import Answer
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

BOUNDARY = "arn:aws:iam::111111111111:policy/boundary"
FENCE = deny("s3:*", f"{LAKE}/globex/*", Principal={"AWS": role_arn("acme")})
OPEN = allow(["s3:GetObject"], f"{LAKE}/acme/*", Principal={"AWS": role_arn("acme")})


def estate(*fence: dict[str, object], reaches: str = "*", **bounds: str) -> list[list[Entry]]:
    acme = tenant("acme", allow("s3:GetObject", f"{LAKE}/{reaches}"), prefix=f"{LAKE}/acme/*")
    acme[0]["outputs"] |= bounds
    return [platform(*bucket("lake", *fence)), acme, tenant("globex")]


def test_a_grant_that_only_a_denial_holds_off_is_seen_without_it() -> None:
    held = graph(*estate(FENCE, OPEN))
    assert prove(held).answer is Answer.PROVEN
    (found,) = prove(grants_alone(held)).counterexamples
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

    def reached(estate: Graph) -> bool:
        found = prove(estate).counterexamples
        return any((one.tenant, one.owner) == ("acme", "globex") for one in found)

    assert not reached(held)
    assert reached(grants_alone(held))


def test_a_bucket_whose_policy_only_denies_has_none_then_and_grants_by_name_still_hold() -> None:
    sound = graph(*estate(FENCE, reaches="acme/*"))
    alone = grants_alone(sound)
    assert not any(r.type == "aws:s3/bucketPolicy:BucketPolicy" for r in alone.resources)
    assert len(alone.resources) == len(sound.resources) - 1
    assert prove(alone).answer is Answer.PROVEN
