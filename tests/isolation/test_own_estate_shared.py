"""The project's own output where soft tenants share roles: proven, and each break of it found."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from isolation.graph import Graph
from isolation.proof import Options, prove
from isolation.state import resources_of
from isolation.verdict import Answer
from onboarding.recorded import State, exported, graph_of
from policies.rule import Settings, faults
from policies.rules import RULES
from tests.estates import FILES, run_on, write_estate
from tests.isolation.mutations import (
    States,
    add,
    both,
    changed,
    find,
    policy,
    put,
    statement,
    without,
)

ACCOUNT = "222222222222"
SOFT = """\
tenant: {0}
contact: a@{0}.example
isolation: soft
access:
  reader:
    - {{aws: "arn:aws:iam::333333333333:role/{0}-analysts", external_id: config:analytics}}
    - {{aws: "arn:aws:iam::222222222222:role/{0}-staff"}}
  writer:
    - {{oidc: {{provider: id.example.com, subject: "job-of-{0}"}}}}
"""
ESTATE = {
    "Pulumi.prod.yaml": FILES["Pulumi.prod.yaml"].replace("[token.", "[id.example.com, token.")
    + "    soft_roles: shared\n",
    **{f"tenants/{name}.yaml": SOFT.format(name) for name in ("acme", "umbrella-corp")},
}
_ROLE, _GRANTS, _POLICY = (
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/policy:Policy",
)
_LAKE = f"arn:aws:s3:::lakehouse-prod--shared--{ACCOUNT}-data"
SHARED = f"arn:aws:iam::{ACCOUNT}:role/lakehouse-prod/tenant/lakehouse-prod--shared--"


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> States:
    root = write_estate(tmp_path_factory.mktemp("shared"), ESTATE)
    return {name: exported(run_on(root, name), name) for name in ("prod", "prod-initech")}


def test_all_tiers_with_shared_roles_are_proven_by_both_provers(states: States) -> None:
    verdict = prove(graph_of(states), Options(strict=True, cross_check=True))
    assert (verdict.answer, verdict.counterexamples, verdict.unknowns) == (Answer.PROVEN, (), ())
    assert verdict.counts["tenants"] == 4


def test_every_rule_of_the_pack_holds(states: States) -> None:
    for name, state in states.items():
        graph = Graph.of(resources_of(state["deployment"]["resources"], name, whole=True))
        for rule in RULES:
            assert list(faults(rule, graph, Settings())) == [], rule.name


def test_the_shared_roles_are_listed_with_who_shares_them(states: States) -> None:
    trusted = {one.principal: one for one in prove(graph_of(states)).trusted}
    for kind in ("reader", "writer"):
        assert set(trusted[f"{SHARED}{kind}"].tenants) == {"acme", "umbrella-corp"}
        assert trusted[f"{SHARED}{kind}"].reason


def test_only_three_roles_more_than_runs_and_auditors_are_made(states: States) -> None:
    names = [
        entry["inputs"]["name"].removeprefix("lakehouse-prod--")
        for entry in states["prod"]["deployment"]["resources"]
        if entry["type"] == _ROLE
    ]
    assert {"shared--reader", "shared--writer", "shared--admin", "acme--run"} <= set(names)
    assert not {"acme--reader", "acme--writer", "acme--admin"} & set(names)


def _trust(kind: str, change: Callable[[list[dict[str, Any]]], None]) -> Callable[[States], None]:
    return policy(_ROLE, f"shared-{kind}", change, "assumeRolePolicy")


def _of(name: str, action: str, change: Callable[[dict[str, Any]], object]) -> Any:
    """Change the conditions of a tenant's statements that allow an action."""

    def mutate(statements: list[dict[str, Any]]) -> None:
        for one in statements:
            if action in one["Action"] and one["Condition"]["StringEquals"].get(
                "aws:RequestTag/tenant"
            ) in (name, None):
                change(one["Condition"])

    return mutate


def _pin(value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda condition: condition["StringEquals"].update({"aws:RequestTag/tenant": value})


def _unpinned(condition: dict[str, Any]) -> object:
    return condition["StringEquals"].pop("aws:RequestTag/tenant", None)


def _open_keys(condition: dict[str, Any]) -> object:
    return condition.pop("ForAllValues:StringEquals", None)


def _each(change: Callable[[dict[str, Any]], object]) -> Any:
    """Change the conditions of all statements."""

    def mutate(statements: list[dict[str, Any]]) -> None:
        for one in statements:
            change(one["Condition"])

    return mutate


def _wide(sid: str, field: str, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda statements: statement(statements, sid).update({field: value})


def _claimed(states: States) -> dict[str, Any]:
    found: dict[str, Any] = find(states, "tenancy:aws:SharedRoles", "shared")["outputs"]["claims"]
    return found


_ACME, _BOTH = {"acme"}, {"acme", "umbrella-corp"}
MUTATIONS: dict[str, tuple[Callable[[States], None], set[str]]] = {
    "the request's tag is pinned nowhere": (
        _trust("reader", _each(_unpinned)),
        _BOTH,
    ),
    "the request's tag is not pinned for tagging": (
        _trust("reader", _of("acme", "sts:TagSession", _unpinned)),
        _BOTH,
    ),
    "an identity may have two tenants' tags": (
        _trust("writer", _of("acme", "sts:TagSession", _pin(["acme", "umbrella-corp"]))),
        _BOTH,
    ),
    "an identity may have any tag by a pattern": (
        _trust(
            "writer",
            _of(
                "acme",
                "sts:TagSession",
                lambda c: (_unpinned(c), c.update(StringLike={"aws:RequestTag/tenant": "*"})),
            ),
        ),
        _BOTH,
    ),
    "the keys of tags are open": (
        _trust("reader", _of("acme", "sts:TagSession", _open_keys)),
        _ACME,
    ),
    "the keys of tags are open for all": (
        _trust("writer", _each(_open_keys)),
        _BOTH,
    ),
    "two more keys of tags are let in": (
        _trust(
            "writer",
            _of(
                "acme",
                "sts:TagSession",
                lambda c: c.update(
                    {"ForAllValues:StringEquals": {"aws:TagKeys": ["tenant", "tier"]}}
                ),
            ),
        ),
        _ACME,
    ),
    "the account may open sessions": (
        _trust(
            "admin",
            add(
                Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                Action=["sts:AssumeRole", "sts:TagSession"],
            ),
        ),
        set(),
    ),
    "a tenant's run may open sessions": (
        _trust(
            "admin",
            add(
                Principal={
                    "AWS": f"arn:aws:iam::{ACCOUNT}:role/lakehouse-prod/run/"
                    "lakehouse-prod--acme--run"
                },
                Action=["sts:AssumeRole", "sts:TagSession"],
                Condition={"StringEquals": {"aws:RequestTag/tenant": "umbrella-corp"}},
            ),
        ),
        _BOTH,
    ),
    "the external id is gone": (
        _trust(
            "reader",
            _each(lambda c: c["StringEquals"].pop("sts:ExternalId", None)),
        ),
        set(),
    ),
    "a token's subject is not asked for": (
        _trust(
            "writer",
            _each(lambda c: c["StringEquals"].pop("id.example.com:sub", None)),
        ),
        _BOTH,
    ),
    "there is no boundary": (put(_ROLE, "shared-reader", "permissionsBoundary", None), set()),
    "the boundary is in no state": (without(_POLICY, "shared-boundary"), set()),
    "grants and boundary name the whole bucket": (
        both(
            policy(_GRANTS, "shared-writer-grants", _wide("Objects", "Resource", f"{_LAKE}/*")),
            policy(_POLICY, "shared-boundary", _wide("Objects", "Resource", f"{_LAKE}/*")),
            policy(
                _POLICY,
                "shared-boundary",
                lambda s: s.remove(statement(s, "DenyForeignStorage")),
            ),
            without("aws:s3/bucketPolicy:BucketPolicy", "platform-shared-policy"),
        ),
        _BOTH,
    ),
    "a reader may get what is restricted": (
        policy(
            _GRANTS,
            "shared-reader-grants",
            _wide("Objects", "Resource", f"{_LAKE}/${{aws:PrincipalTag/tenant}}/*"),
        ),
        _BOTH,
    ),
    "the tag in the grants has no delimiter": (
        both(
            policy(
                _GRANTS,
                "shared-writer-grants",
                _wide("Objects", "Resource", f"{_LAKE}/*${{aws:PrincipalTag/tenant}}*/*"),
            ),
            put(_ROLE, "shared-writer", "permissionsBoundary", None),
        ),
        set(),
    ),
    "Lake Formation grants a tenant's tables to the shared role": (
        put(
            "aws:lakeformation/permissions:Permissions",
            "acme-catalog-run-tables",
            "principal",
            f"{SHARED}reader",
        ),
        _ACME,
    ),
    "the shared role is claimed for a tenant too": (
        lambda states: find(states, "tenancy:aws:TenantIAM", "acme-iam")["outputs"]["claims"][
            "principals"
        ].append(f"{SHARED}reader"),
        _ACME,
    ),
    "the shared role is claimed for the platform": (
        lambda states: _claimed(states).pop("session_tag"),
        set(),
    ),
    "sessions are claimed to act by another tag": (
        lambda states: _claimed(states).update(session_tag="tier"),
        set(),
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_break_is_found_with_the_right_tenants(states: States, name: str) -> None:
    mutate, tenants = MUTATIONS[name]
    verdict = prove(graph_of(changed(states, mutate)))
    told = json.dumps(verdict.to_json(), indent=1)
    assert verdict.answer is Answer.VIOLATED, told
    concerned = {one for found in verdict.counterexamples for one in found.tenants}
    assert tenants <= concerned, told
    assert all(found.remedy and found.because for found in verdict.counterexamples)


def test_states_are_not_changed_by_mutations(states: dict[str, State]) -> None:
    assert prove(graph_of(states)).answer is Answer.PROVEN
