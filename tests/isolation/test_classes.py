"""Asking about one of each kind says what asking about all would, and hides no odd one."""

from typing import Any

import pytest

from isolation.classes import Classes
from isolation.estate import Estate
from isolation.proof import prove
from isolation.verdict import Answer
from tests.isolation.small import (
    ACCOUNT,
    LAKE,
    OTHER,
    Entry,
    allow,
    bucket,
    claims,
    entry,
    graph,
    platform,
    role,
    role_arn,
    tenant,
    trusts,
)

COUNT = 60


def _many(*parts: list[Entry], count: int = COUNT, lake: tuple[dict[str, Any], ...] = ()) -> Any:
    tenants = [tenant(f"t{number:04}x") for number in range(count)]
    return graph(platform(*bucket("lake", *lake)), *tenants, *parts)


def test_tenants_that_differ_in_name_only_are_one_class() -> None:
    classes = Classes(Estate(_many()))
    assert len(classes.members) == 1
    assert len(classes.asked) == 2
    verdict = prove(_many())
    assert verdict.answer is Answer.PROVEN
    assert verdict.counts["decisions"] < 60


@pytest.mark.parametrize("name", ["odd", "t9999y"])
@pytest.mark.parametrize(
    ("statement", "reached"),
    [
        (allow("s3:GetObject", f"{LAKE}/*"), "t0000x"),
        (allow("s3:GetObject", f"{LAKE}/t0042x/*"), "t0042x"),
        (allow("s3:GetObject", f"{LAKE}/t004?x/*"), "t0041x"),
        (allow("s3:GetObject", f"{LAKE}/t0042*"), "t0042x"),
        (allow("s3:GetObject", f"{LAKE}/t*42x/y"), "t0042x"),
    ],
)
def test_one_odd_tenant_among_many_is_found(
    name: str, statement: dict[str, Any], reached: str
) -> None:
    verdict = prove(_many(tenant(name, statement)))
    assert verdict.answer is Answer.VIOLATED
    assert {one.tenant for one in verdict.counterexamples} == {name}
    assert reached in {one.owner for one in verdict.counterexamples}


def test_one_whose_resource_is_open_to_one_other_is_found() -> None:
    own = "arn:aws:s3:::own"
    let_in = allow("s3:GetObject", f"{own}/*", Principal={"AWS": role_arn("t0033x")})
    odd = [*bucket("own", let_in), claims("odd", [own, f"{own}/*"], [])]
    verdict = prove(_many(odd))
    assert {(one.tenant, one.owner) for one in verdict.counterexamples} == {("t0033x", "odd")}


def test_a_shared_policy_that_names_one_tenant_is_found() -> None:
    statement = allow("s3:GetObject", f"{LAKE}/t0007x/*", Principal={"AWS": role_arn("t0033x")})
    verdict = prove(_many(lake=(statement,)))
    assert {(one.tenant, one.owner) for one in verdict.counterexamples} == {("t0033x", "t0007x")}


def test_a_trust_that_names_another_tenant_is_found() -> None:
    odd = tenant("odd", trust=[trusts({"AWS": role_arn("t0012x")})])
    verdict = prove(_many(odd))
    assert {(one.tenant, one.owner) for one in verdict.counterexamples} == {("t0012x", "odd")}


def test_names_that_are_parts_of_others_are_asked_about() -> None:
    grants = [
        tenant(name, allow("s3:GetObject", f"{LAKE}/{name}*"), prefix=f"{LAKE}/{name}/*")
        for name in ("aaa", "bbb", "ccc", "ddd", "ddd-x")
    ]
    verdict = prove(graph(platform(*bucket("lake")), *grants))
    assert {(one.tenant, one.owner) for one in verdict.counterexamples} == {("ddd", "ddd-x")}
    assert verdict.latent


def test_a_shared_list_of_all_tenants_keeps_them_one_class() -> None:
    names = [f"t{number:04}x" for number in range(COUNT)]
    shared = role(
        "catalog",
        allow("s3:GetObject", [f"{LAKE}/{name}/*" for name in names]),
        trust=[trusts({"AWS": f"arn:aws:iam::{ACCOUNT}:role/catalog-admin"})],
    )
    declared = [claims(None, [], [role_arn("catalog"), role_arn("catalog-admin")], reason="all")]
    classes = Classes(Estate(_many(shared, declared)))
    assert len(classes.members) == 1
    verdict = prove(_many(shared, declared))
    assert verdict.answer is Answer.PROVEN
    assert len(verdict.trusted[0].tenants) == COUNT


def test_accounts_of_their_own_do_not_tell_tenants_apart() -> None:
    parts = []
    for number in range(12):
        account, name = f"4444444444{number:02}", f"hard{number:02}x"
        own = f"arn:aws:s3:::{name}-own"
        parts += [
            [
                entry(
                    "aws:s3/bucket:Bucket",
                    name,
                    arn=own,
                    bucket=f"{name}-own",
                    tags={"tenant": name},
                )
            ],
            role(
                name,
                allow(
                    "s3:*",
                    [own, f"{own}/*"],
                    Condition={"StringEquals": {"s3:ResourceAccount": account}},
                ),
                account=account,
                tags={"tenant": name},
            ),
            [claims(name, [own, f"{own}/*", role_arn(name, account)], [role_arn(name, account)])],
        ]
    classes = Classes(Estate(graph(*parts)))
    assert len(classes.members) == 1


def test_an_outsider_of_two_among_many_is_found() -> None:
    stranger = [
        trusts(
            {"AWS": f"arn:aws:iam::{OTHER}:role/x"},
            Condition={"StringEquals": {"sts:ExternalId": "an-id"}},
        )
    ]
    own = [
        trusts(
            {"AWS": "arn:aws:iam::555555555555:role/y"},
            Condition={"StringEquals": {"sts:ExternalId": "y"}},
        )
    ]
    parts = [
        tenant("odd", trust=stranger),
        tenant("even", trust=stranger),
        tenant("lone", trust=own),
    ]
    verdict = prove(_many(*parts))
    assert {one.owner for one in verdict.counterexamples} == {"odd", "even"}
