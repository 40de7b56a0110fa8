"""Values of shapes that no provider gives: an answer or a clear refusal, never a crash."""

import contextlib
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from isolation.errors import StateError
from isolation.graph import Graph
from isolation.proof import prove
from isolation.state import resources_of
from isolation.verdict import Answer
from tests.isolation.small import (
    ACCOUNT,
    LAKE,
    allow,
    bucket,
    claims,
    graph,
    kms_key,
    platform,
    role,
    role_arn,
    tenant,
    trusts,
)

ODD: tuple[object, ...] = (
    1,
    None,
    [],
    {},
    "x",
    [1],
    [None],
    {"a": 1},
    [["x"]],
    True,
    "*",
    '{"Statement": 1}',
    "arn:aws:s3",
)


def _places(given: Any) -> Iterator[tuple[Any, Any]]:
    keys = (
        given if isinstance(given, dict) else range(len(given)) if isinstance(given, list) else ()
    )
    for key in keys:
        yield given, key
        yield from _places(given[key])


@pytest.mark.parametrize("seed", range(150))
def test_no_odd_value_crashes_the_proof(seed: int) -> None:
    chance = random.Random(seed)
    key = kms_key("shared", allow("kms:*", Principal="*"), encrypts="lake")
    entries = [*platform(*bucket("lake", allow("s3:*", Principal="*"))), *key]
    entries += [*tenant("acme", boundary="arn:aws:iam::111111111111:policy/b"), *tenant("globex")]
    places = list(_places(entries))
    for _ in range(4):
        holder, name = chance.choice(places)
        holder[name] = chance.choice(ODD)
    with contextlib.suppress(StateError):
        verdict = prove(Graph.of(resources_of(entries, "state.json")))
        json.dumps(verdict.to_json())


@pytest.mark.parametrize("owns", [["x"], [1], "x", [f"{LAKE}/x", None]])
def test_claims_that_cannot_be_read_are_named_and_prove_nothing(owns: Any) -> None:
    broken = claims("acme", [], [role_arn("acme")])
    broken["outputs"]["claims"]["owns"] = owns
    entries = [*tenant("acme"), *tenant("globex"), broken]
    verdict = prove(Graph.of(resources_of(entries, "state.json")))
    assert verdict.answer is Answer.UNKNOWN
    assert "cannot be read" in verdict.unknowns[0]


def test_a_policy_that_cannot_be_read_is_named_and_counts_as_allowing() -> None:
    entries = [*platform(*bucket("lake")), *tenant("acme"), *tenant("globex")]
    next(one for one in entries if one["urn"].endswith("::acme-grants"))["outputs"]["policy"] = "{"
    verdict = prove(Graph.of(resources_of(entries, "state.json")))
    assert verdict.answer is Answer.UNKNOWN
    assert any("is not JSON" in one for one in verdict.unknowns)


def test_a_managed_policy_that_no_state_has_is_named_and_counts_as_allowing() -> None:
    entries = [*platform(*bucket("lake")), *tenant("acme"), *tenant("globex")]
    role = next(one for one in entries if one["urn"].endswith("Role::acme"))
    role["outputs"]["managedPolicyArns"] = ["arn:aws:iam::aws:policy/Mystery"]
    verdict = prove(Graph.of(resources_of(entries, "state.json")))
    assert verdict.answer is Answer.UNKNOWN
    assert any("policy/Mystery" in one for one in verdict.unknowns)
    role["outputs"]["managedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]
    assert prove(Graph.of(resources_of(entries, "state.json"))).answer is Answer.VIOLATED


def test_roles_that_all_become_one_another_do_not_make_the_proof_run_away() -> None:
    """As many chains as there are orders of them, of which the shortest do."""
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    roles = [
        entry
        for number in range(20)
        for entry in role(f"nobodys-{number}", allow("sts:AssumeRole"), trust=[trusts(root)])
    ]
    trusted = [trusts({"AWS": role_arn("nobodys-19")})]
    acme, globex = tenant("acme", allow("sts:AssumeRole")), tenant("globex", trust=trusted)
    found = prove(graph(platform(*bucket("lake")), acme, globex, roles))
    assert found.answer is Answer.VIOLATED
    assert found.counts["decisions"] < 5_000
