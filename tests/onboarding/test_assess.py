"""What a plan finds in states and steps: each kind of refusal, costs, quotas, owners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from isolation.verdict import Answer
from onboarding.assess import Planned, assess
from onboarding.events import Step
from onboarding.examine import examine
from onboarding.planned import Code, Plan, Refusal
from tenancy.environment import Organization
from tenancy.estate import Estate, load_estate
from tenancy.organization import OrganizationPlan
from tests.estates import ENVIRONMENT, write_estate
from tests.isolation.small import ACCOUNT, LAKE, REGION, allow, bucket, platform, tenant

Entries = list[dict[str, Any]]
URN = "urn:pulumi:prod::tenancy::{}::{}"
PROVIDER = URN.format("pulumi:providers:aws", "main")


def resource(kind: str, name: str, owner: str = "", /, **inputs: Any) -> dict[str, Any]:
    return {
        "urn": URN.format(kind, name),
        "type": kind,
        "provider": f"{PROVIDER}::id",
        "inputs": {**inputs, **({"tags": {"tenant": owner}} if owner else {})},
        "outputs": {},
    }


def placed() -> dict[str, Any]:
    inputs = {"region": REGION, "allowedAccountIds": f'["{ACCOUNT}"]'}
    return {"urn": PROVIDER, "type": "pulumi:providers:aws", "inputs": inputs, "outputs": {}}


def sound() -> Entries:
    return [placed(), *platform(*bucket("lake")), *tenant("acme"), *tenant("globex")]


def step(kind: str, name: str, op: str) -> Step:
    return Step(URN.format(f"tenancy:aws:Group${kind}", name), op, kind, name, done=False)


def vending(estate: Estate) -> OrganizationPlan:
    organization = Organization(parent="r-ab12", email="aws+{tenant}@corp.example")
    return OrganizationPlan(estate.stack("prod").environment, organization, ("acme",))


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    prod = ENVIRONMENT.format(name="prod", account=ACCOUNT)
    files = {"Pulumi.prod.yaml": prod, "tenants/initech.yaml": None}
    return load_estate(write_estate(tmp_path_factory.mktemp("estate"), files))


def judged(
    estate: Estate,
    wanted: Entries,
    deployed: Entries | None = None,
    steps: Sequence[Step] | None = None,
    **refused: Sequence[str],
) -> Plan:
    stack = Planned(estate.stack("prod"), deployed or [], wanted, steps, **refused)
    return assessed([stack], ["prod"])


def assessed(
    stacks: Sequence[Planned],
    chosen: Sequence[str],
    organizations: Sequence[Planned] = (),
    neighbours: Mapping[str, Entries] | None = None,
) -> Plan:
    made = [(planned.plan, planned.wanted) for planned in stacks]
    vending = [(planned.plan, planned.wanted) for planned in organizations]
    examined = examine(made, neighbours or {}, vending)
    return assess(examined, stacks, chosen, organizations)


def of(plan: Plan, code: Code) -> list[Refusal]:
    return [refusal for refusal in plan.refusals if refusal.code is code]


def test_a_region_without_prices_is_told_and_priced_by_no_others(tmp_path: Path) -> None:
    prod = ENVIRONMENT.format(name="prod", account=ACCOUNT)
    prod = prod.replace("price_region: us-east-1", "price_region: us-gov-west-1")
    files = {"Pulumi.prod.yaml": prod, "tenants/initech.yaml": None}
    plan = judged(load_estate(write_estate(tmp_path, files)), sound())
    assert (plan.costs, plan.currency) == ((), "")
    assert any("no list prices of us-gov-west-1" in note for note in plan.notes)


def test_a_sound_estate_is_proven_and_none_of_the_grave_refusals_is_there(estate: Estate) -> None:
    plan = judged(estate, sound())
    assert plan.verdict
    assert plan.verdict.answer is Answer.PROVEN
    assert {refusal.code for refusal in plan.refusals} <= {Code.POLICY}  # it is a bare estate


def test_a_grant_on_another_tenants_part_is_refused_first_of_all(estate: Estate) -> None:
    evil = tenant("acme", allow("s3:GetObject", f"{LAKE}/*"), prefix=f"{LAKE}/acme/*")
    plan = judged(estate, [placed(), *platform(*bucket("lake")), *evil, *tenant("globex")])
    (found,) = of(plan, Code.CROSS_TENANT)
    assert plan.exit_code == Code.CROSS_TENANT
    assert "(of acme) may s3:GetObject" in found.rule
    assert "globex's" in found.rule


def test_two_resources_of_one_name_are_refused_also_across_stacks(estate: Estate) -> None:
    again = resource("aws:s3/bucket:Bucket", "again", bucket="lake")
    (found,) = of(judged(estate, [*sound(), again]), Code.COLLISION)
    assert "arn:aws:s3:::lake is also the name of" in found.rule
    (twice,) = of(judged(estate, sound(), twice=[URN.format("a:b:C", "x")]), Code.COLLISION)
    assert "two resources of the name x" in twice.rule


def test_load_balancers_targets_of_one_name_collide_only_in_one_place(estate: Estate) -> None:
    kind = "aws:lb/targetGroup:TargetGroup"
    one, other = (resource(kind, name, name="hosts") for name in ("one", "other"))
    assert of(judged(estate, [*sound(), one, other]), Code.COLLISION)
    elsewhere = {**other, "provider": "urn:pulumi:prod::tenancy::pulumi:providers:aws::b::id"}
    assert not of(judged(estate, [*sound(), one, elsewhere]), Code.COLLISION)


def test_more_than_a_quota_is_refused_with_where_and_what_to_do(estate: Estate) -> None:
    vpcs = [resource("aws:ec2/vpc:Vpc", f"vpc{n}", "acme", cidrBlock="x") for n in range(6)]
    (found,) = of(judged(estate, [*sound(), *vpcs]), Code.QUOTA)
    assert (found.where, found.rule) == (f"{ACCOUNT} {REGION}", "6 VPCs, of at most 5")
    assert "limits: {vpcs_per_region" in found.remedy
    assert not of(judged(estate, [*sound(), *vpcs[1:]]), Code.QUOTA)


def test_what_other_environments_have_in_the_account_counts_too(estate: Estate) -> None:
    vpcs = [resource("aws:ec2/vpc:Vpc", f"vpc{n}", cidrBlock="x") for n in range(6)]
    stack = Planned(estate.stack("prod"), [], [*sound(), *vpcs[:3]])
    plan = assessed([stack], ["prod"], neighbours={"stage": [placed(), *vpcs[3:]]})
    assert of(plan, Code.QUOTA)


@pytest.mark.parametrize("op", ["replace", "create-replacement", "delete"])
@pytest.mark.parametrize(
    "kind",
    [
        "aws:s3/bucket:Bucket",
        "aws:kms/key:Key",
        "aws:rds/instance:Instance",
        "aws:secretsmanager/secret:Secret",
        "aws:glue/catalogDatabase:CatalogDatabase",
        "aws:glue/catalogTable:CatalogTable",
        "aws:cloudwatch/logGroup:LogGroup",
    ],
)
def test_neither_replacement_nor_deletion_of_what_holds_data_is_planned(
    estate: Estate, kind: str, op: str
) -> None:
    plan = judged(estate, sound(), sound(), [step(kind, "it", op)])
    (found,) = of(plan, Code.DATA_LOSS)
    assert "it would be" in found.rule
    assert not of(judged(estate, sound(), sound(), [step(kind, "it", "update")]), Code.DATA_LOSS)


def test_a_task_definition_may_be_replaced(estate: Estate) -> None:
    steps = [step("aws:ecs/taskDefinition:TaskDefinition", "runs", "replace")]
    plan = judged(estate, sound(), sound(), steps)
    assert not of(plan, Code.DATA_LOSS)
    assert plan.stacks[0].counts() == {"replace": 1}


def test_what_the_engine_protects_is_told_once(estate: Estate) -> None:
    lost = step("aws:s3/bucket:Bucket", "lake", "replace")
    plan = judged(estate, sound(), sound(), [lost], protected=[lost.urn])
    assert len(of(plan, Code.DATA_LOSS)) == 1


def test_many_refusals_of_a_kind_are_counted_and_none_hides_another_kind(estate: Estate) -> None:
    steps = [step("aws:s3/bucket:Bucket", f"b{n}", "delete") for n in range(30)]
    plan = judged(estate, sound(), sound(), steps, twice=[URN.format("a:b:C", "x")])
    assert of(plan, Code.DATA_LOSS)[-1].rule == "20 more of the kind"
    assert of(plan, Code.COLLISION)


def test_changes_are_grouped_by_owner_and_groups_are_no_changes(estate: Estate) -> None:
    queue = "aws:sqs/queue:Queue"
    wanted = [*sound(), resource(queue, "mine", "acme"), resource(queue, "ours", "platform")]
    steps = [
        step(queue, "mine", "create"),
        step(queue, "ours", "create"),
        step("tenancy:aws:Tenant", "acme", "create"),
        step(queue, "kept", "same"),
    ]
    (changes,) = judged(estate, wanted, sound(), steps).stacks
    assert changes.counts("acme") == {"create": 1}
    assert changes.counts("") == {"create": 1}
    assert changes.counts() == {"create": 2}
    assert changes.unchanged == 1
    assert not changes.new


def test_of_a_stack_that_was_never_deployed_all_is_created(estate: Estate) -> None:
    (changes,) = judged(estate, sound()).stacks
    assert changes.new
    assert changes.counts()["create"] == len(changes.changes) > 0
    assert not any(change.type.startswith("pulumi:") for change in changes.changes)


def test_costs_are_told_for_each_tenant_today_and_then(estate: Estate) -> None:
    key = resource("aws:kms/key:Key", "own", "globex")
    costs = {cost.owner: cost for cost in judged(estate, [*sound(), key], sound(), []).costs}
    assert next(iter(costs)) == "platform"
    assert (costs["globex"].today, costs["globex"].planned) == (Decimal(0), Decimal("1.00"))
    assert (costs["acme"].today, costs["acme"].planned) == (Decimal(0), Decimal(0))


def test_the_forecast_goes_by_what_a_tenant_of_the_tier_has_now(estate: Estate) -> None:
    roles = [
        resource("aws:iam/role:Role", f"r{n}", "acme", name=f"r{n}", assumeRolePolicy="{}")
        for n in range(5)
    ]
    forecasts = {each.tier: each for each in judged(estate, [*sound(), *roles]).forecasts}
    assert forecasts["hard"].further is None
    assert forecasts["soft"].first == "IAM roles"
    # 5 and that of the small estate are acme's; 7 are there, with globex's.
    assert forecasts["soft"].further == (1000 - 7) // 6


def test_what_has_no_tag_is_its_tenants_whatever_the_order_of_the_entries(estate: Estate) -> None:
    """A recording names the parts of a component before the component itself."""
    policies = [
        resource("aws:iam/rolePolicy:RolePolicy", f"{owner}-policy", policy=f'["{owner}"]')
        for owner in ("acme", "globex")
    ]
    groups = [
        {"urn": URN.format("tenancy:aws:Tenant", owner), "type": "tenancy:aws:Tenant"}
        for owner in ("acme", "globex")
    ]
    for policy, group in zip(policies, groups, strict=True):
        policy["parent"] = group["urn"]
    children_first = judged(estate, [*sound(), *policies, *groups])
    parents_first = judged(estate, [*sound(), *groups, *policies])
    (found,) = children_first.stacks
    owners = {change.name: change.tenant for change in found.changes}
    assert (owners["acme-policy"], owners["globex-policy"]) == ("acme", "globex")
    assert children_first.forecasts == parents_first.forecasts
    # A tenant's own policy names it, and does not grow with others of its tier.
    assert all("policy" not in each.first for each in children_first.forecasts)


def test_what_the_stack_of_vended_accounts_makes_is_judged_too(estate: Estate) -> None:
    again = resource("aws:s3/bucket:Bucket", "again", bucket="lake")
    stack = Planned(estate.stack("prod"), [], sound())
    organization = Planned(vending(estate), [], [placed(), again])
    plan = assessed([stack], ["prod-org", "prod"], [organization])
    assert of(plan, Code.COLLISION)


def test_what_changes_in_the_stack_of_vended_accounts_is_listed_first(estate: Estate) -> None:
    kind = "aws:organizations/policy:Policy"
    policy = resource(kind, "limits", content="{}")
    organization = Planned(vending(estate), [policy], [policy], [step(kind, "limits", "update")])
    stack = Planned(estate.stack("prod"), sound(), sound(), [])
    plan = assessed([stack], ["prod-org", "prod"], [organization])
    assert [each.stack for each in plan.stacks] == ["prod-org", "prod"]
    assert [(c.tenant, c.op, c.name) for c in plan.stacks[0].changes] == [("", "update", "limits")]
    assert plan.changed == 1
    assert not assessed([stack], ["prod"], [organization]).changed, "it is not deployed then"


def test_an_account_in_use_is_not_replaced_and_one_that_was_left_may_go(estate: Estate) -> None:
    kind = "aws:organizations/account:Account"
    account = resource(kind, "acme-account", name="acme")
    (gone,) = (step(kind, "acme-account", "delete"),)
    stack = Planned(estate.stack("prod"), sound(), sound(), [])
    left = Planned(vending(estate), [account], [], [gone])
    assert not of(assessed([stack], ["prod-org"], [left]), Code.DATA_LOSS)
    held = Planned(vending(estate), [account], [], [gone], protected=[account["urn"]])
    (refusal,) = of(assessed([stack], ["prod-org"], [held]), Code.DATA_LOSS)
    assert refusal.where == account["urn"]
