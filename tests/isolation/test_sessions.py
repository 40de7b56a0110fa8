"""Roles that tenants share: what their trust lets a session be, and that claims are checked."""

from collections.abc import Callable
from typing import Any

import pytest

from isolation.proof import prove
from isolation.verdict import Answer, Verdict
from tests.isolation.small import (
    ACCOUNT,
    LAKE,
    OTHER,
    Entry,
    allow,
    bucket,
    claims,
    graph,
    platform,
    role,
    role_arn,
    tenant,
    trusts,
)

SHARED = role_arn("shared--writer")
OWN = allow(["s3:GetObject", "s3:PutObject"], f"{LAKE}/${{aws:PrincipalTag/tenant}}/*")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.com"
KEYS = {"ForAllValues:StringEquals": {"aws:TagKeys": "tenant"}}
Statement = dict[str, Any]


def outsider(name: str) -> str:
    return role_arn(f"analysts-of-{name}", OTHER)


def pinned(name: str, *values: str, **more: Any) -> Statement:
    """The statement of the shared role's trust for a tenant's own people."""
    equals = {"aws:RequestTag/tenant": list(values) or name, "sts:ExternalId": name}
    condition = {"StringEquals": equals, **KEYS, **more}
    return trusts({"AWS": outsider(name)}, "sts:AssumeRole", "sts:TagSession", Condition=condition)


def federated(name: str) -> Statement:
    equals = {"aws:RequestTag/tenant": name, "id.example.com:sub": f"job-of-{name}"}
    return trusts(
        {"Federated": PROVIDER},
        "sts:AssumeRoleWithWebIdentity",
        "sts:TagSession",
        Condition={"StringEquals": equals, **KEYS},
    )


def shared(
    *trust: Statement, grants: Statement = OWN, claimed: list[Entry] | None = None, **more: Any
) -> Verdict:
    claim = claims(None, [SHARED], [SHARED], session_tag="tenant", reason="shared by soft tenants")
    return prove(
        graph(
            platform(*bucket("lake")),
            role("shared--writer", grants, trust=trust, **more),
            tenant("acme"),
            tenant("globex"),
            [claim] if claimed is None else claimed,
        )
    )


def test_a_role_whose_trust_gives_each_identity_one_tenants_tag_is_proven_and_listed() -> None:
    verdict = shared(pinned("acme"), pinned("globex"))
    assert (verdict.answer, verdict.unknowns) == (Answer.PROVEN, ())
    (listed,) = verdict.trusted
    assert listed.principal == SHARED
    assert set(listed.tenants) == {"acme", "globex"}
    assert listed.reason == "shared by soft tenants"


def test_subjects_of_one_provider_are_told_apart() -> None:
    assert shared(federated("acme"), federated("globex")).answer is Answer.PROVEN


def _without(statement: Statement, operator: str, key: str = "") -> Statement:
    condition = {**statement["Condition"]}
    if key:
        condition[operator] = {k: v for k, v in condition[operator].items() if k != key}
    else:
        condition.pop(operator)
    return {**statement, "Condition": condition}


BROKEN: dict[str, Callable[[], Verdict]] = {
    "the tag is not pinned": lambda: shared(
        _without(pinned("acme"), "StringEquals", "aws:RequestTag/tenant"), pinned("globex")
    ),
    "an identity may have two tenants' tags": lambda: shared(
        pinned("acme", "acme", "globex"), pinned("globex")
    ),
    "the tag is a pattern": lambda: shared(
        _without(
            pinned("acme", StringLike={"aws:RequestTag/tenant": "*"}),
            "StringEquals",
            "aws:RequestTag/tenant",
        ),
        pinned("globex"),
    ),
    "the tag is pinned only if it is there": lambda: shared(
        _without(
            pinned("acme", StringEqualsIfExists={"aws:RequestTag/tenant": "acme"}),
            "StringEquals",
            "aws:RequestTag/tenant",
        ),
        pinned("globex"),
    ),
    "every value may be none": lambda: shared(
        _without(
            pinned("acme", **{"ForAllValues:StringEquals": {"aws:RequestTag/tenant": "acme"}}),
            "StringEquals",
            "aws:RequestTag/tenant",
        ),
        pinned("globex"),
    ),
    "further tags are open": lambda: shared(
        _without(pinned("acme"), "ForAllValues:StringEquals"), pinned("globex")
    ),
    "one identity is in two tenants' statements": lambda: shared(
        pinned("acme"), {**pinned("globex"), "Principal": {"AWS": outsider("acme")}}
    ),
    "a foreign identity brings no external id": lambda: shared(
        _without(pinned("acme"), "StringEquals", "sts:ExternalId"), pinned("globex")
    ),
    "another statement lets anybody tag": lambda: shared(
        pinned("acme"),
        pinned("globex"),
        trusts({"AWS": outsider("acme")}, "sts:TagSession"),
    ),
    "a tenant's own role is let in with another's tag": lambda: shared(
        pinned("acme"), {**pinned("globex"), "Principal": {"AWS": role_arn("acme")}}
    ),
    "subjects of a provider are not told apart": lambda: shared(
        _without(federated("acme"), "StringEquals", "id.example.com:sub"), federated("globex")
    ),
    "the grants name no tag": lambda: shared(
        pinned("acme"), pinned("globex"), grants=allow("s3:GetObject", f"{LAKE}/*")
    ),
    "the grants trust another tag": lambda: shared(
        _without(pinned("acme"), "ForAllValues:StringEquals"),
        pinned("globex"),
        grants=allow("s3:GetObject", f"{LAKE}/${{aws:PrincipalTag/team}}/*"),
        claimed=[],
    ),
    "it is also claimed for a tenant": lambda: shared(
        pinned("acme"),
        pinned("globex"),
        claimed=[
            claims(None, [SHARED], [SHARED], session_tag="tenant", reason="shared"),
            claims("acme", [], [SHARED]),
        ],
    ),
    "it is also claimed for the platform": lambda: shared(
        pinned("acme"),
        pinned("globex"),
        claimed=[
            claims(None, [SHARED], [SHARED], session_tag="tenant", reason="shared"),
            claims(None, [], [SHARED], reason="administers"),
        ],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_break_of_the_trust_is_found(name: str) -> None:
    verdict = BROKEN[name]()
    assert verdict.answer is Answer.VIOLATED, verdict
    assert all(one.remedy and one.because for one in verdict.counterexamples)


def test_sessions_with_any_tag_reach_all_and_both_tenants_are_named() -> None:
    verdict = BROKEN["the tag is not pinned"]()
    assert {"acme", "globex"} <= {one for v in verdict.counterexamples for one in v.tenants}


def test_a_caller_may_be_given_the_tag_that_it_has_itself() -> None:
    """Constant in size: the trust compares the tag with the caller's own."""
    same = trusts(
        {"AWS": [role_arn("acme"), role_arn("globex")]},
        "sts:AssumeRole",
        "sts:TagSession",
        Condition={"StringEquals": {"aws:RequestTag/tenant": "${aws:PrincipalTag/tenant}"}, **KEYS},
    )
    verdict = shared(same)
    # Each is let in as itself; that a tenant's role is named in another's session is told.
    assert {one.rule for one in verdict.counterexamples} <= {
        "a tenant's role trusts another's principal"
    }


def test_a_claim_with_a_session_tag_that_cannot_be_read_is_unknown() -> None:
    bad = [claims("acme", [SHARED], [SHARED], session_tag="tenant")]
    verdict = shared(pinned("acme"), pinned("globex"), claimed=bad)
    assert any("cannot be read" in one for one in verdict.unknowns)
