"""A plan as data: its exit code and its form for machines."""

from __future__ import annotations

import json
from decimal import Decimal

from isolation.verdict import Answer, Verdict
from onboarding.planned import Change, Code, CostChange, Plan, Refusal, StackChanges

URN = "urn:pulumi:local::tenancy::aws:kms/key:Key::acme"


def planned(*refusals: Refusal) -> Plan:
    change = Change("acme", "replace", "aws:kms/key:Key", "acme", URN, ("keyUsage",))
    return Plan(
        stacks=(StackChanges("local", new=False, unchanged=3, changes=(change,)),),
        verdict=Verdict(Answer.PROVEN),
        policies=(),
        costs=(CostChange("acme", Decimal("1.10"), Decimal("2.25")),),
        currency="USD",
        refusals=refusals,
    )


def test_a_plan_without_refusals_exits_with_nought_and_with_them_by_the_gravest() -> None:
    assert planned().exit_code == 0
    loss = Refusal(Code.DATA_LOSS, URN, "would be replaced", "put it back")
    grant = Refusal(Code.CROSS_TENANT, "acme", "reaches globex", "narrow it")
    assert planned(loss).exit_code == 6
    assert planned(loss, grant).exit_code == 3


def test_every_refusal_has_an_exit_code_of_its_own_that_means_nothing_else() -> None:
    codes = [int(code) for code in Code]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2, 130} & set(codes)
    assert all(code.label for code in Code)


def test_a_plan_is_told_to_machines_with_sums_and_codes() -> None:
    told = json.loads(json.dumps(planned(Refusal(Code.QUOTA, "a", "b", "c")).to_json()))
    assert told["stacks"][0]["counts"] == {"replace": 1}
    assert (told["costs"]["today"], told["costs"]["planned"]) == ("1.10", "2.25")
    assert told["refusals"] == [
        {"code": 5, "kind": "quota overrun", "where": "a", "rule": "b", "remedy": "c"}
    ]
    assert told["exit_code"] == 5
