"""The guard refuses what would lose or move a deployed tenant, and nothing else."""

from __future__ import annotations

import pytest

from onboarding import guard
from onboarding.errors import Refused
from onboarding.guard import Anchored
from onboarding.state import StackState
from tests.onboarding.exports import resource, state

ANCHOR = (
    "acme tier=soft environment=prod cloud=aws account=123456789012 region=us-east-1"
    " storage=soft catalog=soft network=10.0.0.0/16"
)
TENANT = "tenancy:aws:Tenant"
PLACEMENT = "tenancy:aws:Tenant$tenancy:aws:Placement"


def acme(stack: str = "local", **changes: str) -> Anchored:
    anchored = Anchored.of_anchor(ANCHOR, stack)
    return Anchored("acme", stack, {**anchored.facts, **changes})


def test_a_deployed_tenant_is_read_from_its_anchor() -> None:
    deployed = guard.deployed_tenants(
        "local", state(resource(TENANT, "acme"), resource(PLACEMENT, ANCHOR))
    )
    assert deployed == (acme(),)


def test_a_tenant_whose_anchor_was_never_created_counts_as_deployed() -> None:
    (deployed,) = guard.deployed_tenants("local", state(resource(TENANT, "acme")))
    assert (deployed.tenant, deployed.facts) == ("acme", {})
    guard.check([deployed], [acme()])
    with pytest.raises(Refused):
        guard.check([deployed], [])


def test_an_empty_state_holds_nobody() -> None:
    assert guard.deployed_tenants("local", StackState()) == ()


def test_what_stays_as_it_is_and_what_is_new_are_no_problem() -> None:
    guard.check([acme()], [acme(), Anchored("globex", "local", acme().facts)])
    guard.check([], [acme()])


def test_a_removed_tenant_is_refused_with_its_file_and_the_remedy() -> None:
    with pytest.raises(Refused) as refused:
        guard.check([acme()], [])
    (problem,) = refused.value.problems
    assert problem.where == "tenants/acme.yaml"
    assert "put the file back" in problem.remedy
    assert "make down CLEAR=1" in problem.remedy


@pytest.mark.parametrize(
    ("fact", "field"),
    [
        ("tier", "isolation.tier"),
        ("environment", "environment"),
        ("cloud", "cloud"),
        ("storage", "isolation.storage"),
        ("catalog", "isolation.catalog"),
    ],
)
def test_a_changed_fact_is_refused_at_its_field(fact: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        guard.check([acme()], [acme(**{fact: "other"})])
    (problem,) = refused.value.problems
    assert (problem.where, problem.field) == ("tenants/acme.yaml", field)
    assert f"with {fact} {acme().facts[fact]}" in problem.rule
    assert f"put {acme().facts[fact]} back" in problem.remedy


@pytest.mark.parametrize(("fact", "field"), [("account", "account_id"), ("region", "region")])
def test_account_and_region_stand_in_the_tenants_file_only_when_it_is_hard(
    fact: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        guard.check([acme()], [acme(**{fact: "other"})])
    assert refused.value.problems[0].where == "Pulumi.local.yaml"
    assert refused.value.problems[0].field == f"tenancy:environment.{field}"
    with pytest.raises(Refused) as refused:
        guard.check([acme(tier="hard")], [acme(tier="hard", **{fact: "other"})])
    assert refused.value.problems[0].where == "tenants/acme.yaml"
    assert refused.value.problems[0].field == field


def test_a_range_that_was_planned_anew_is_kept_by_writing_it_down() -> None:
    deployed = acme(tier="hard", network="10.64.16.0/20")
    with pytest.raises(Refused) as refused:
        guard.check([deployed], [acme(tier="hard", network="10.64.32.0/20")])
    (problem,) = refused.value.problems
    assert (problem.where, problem.field) == ("tenants/acme.yaml", "cidr")
    assert "with network 10.64.16.0/20" in problem.rule
    assert "write `cidr: 10.64.16.0/20` there" in problem.remedy


def test_the_platforms_range_stands_in_the_environments_file() -> None:
    with pytest.raises(Refused) as refused:
        guard.check([acme()], [acme(network="10.1.0.0/16")])
    (problem,) = refused.value.problems
    assert problem.where == "Pulumi.local.yaml"
    assert problem.field == "tenancy:environment.network.platform"
    assert "put 10.0.0.0/16 back" in problem.remedy


def test_a_tier_that_moves_the_tenant_to_another_stack_is_one_problem() -> None:
    moved = acme("local-acme", tier="hard", account="444444444444", storage="hard", catalog="hard")
    with pytest.raises(Refused) as refused:
        guard.check([acme()], [moved])
    assert [problem.field for problem in refused.value.problems] == ["isolation.tier"]


def test_every_tenant_with_a_problem_is_told() -> None:
    globex = Anchored("globex", "local", acme().facts)
    with pytest.raises(Refused) as refused:
        guard.check([acme(), globex], [acme(tier="medium")])
    assert {problem.where for problem in refused.value.problems} == {
        "tenants/acme.yaml",
        "tenants/globex.yaml",
    }


def test_a_tenant_in_another_stacks_state_is_refused_with_the_way_to_move_it() -> None:
    with pytest.raises(Refused) as refused:
        guard.check([acme("prod-01")], [acme("prod-03")])
    (problem,) = refused.value.problems
    assert (problem.where, problem.field) == ("Pulumi.prod.yaml", "tenancy:environment.shards")
    assert "stack prod-01 and belongs in stack prod-03" in problem.rule
    assert "tenancy reshard" in problem.remedy


def test_a_changed_tier_is_told_rather_than_the_stack_that_follows_from_it() -> None:
    with pytest.raises(Refused) as refused:
        guard.check([acme("prod-01")], [acme("prod-acme", tier="hard")])
    (problem,) = refused.value.problems
    assert problem.field == "isolation.tier"
