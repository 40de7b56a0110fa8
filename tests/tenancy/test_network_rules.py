"""Rules on an environment's networks: each broken one names file, field, rule and remedy."""

from pathlib import Path

import pytest

from tenancy.errors import InvalidInput, Problem
from tenancy.estate import load_estate
from tests.estates import FILES, write_estate

PROD = FILES["Pulumi.prod.yaml"]
INITECH = FILES["tenants/initech.yaml"]


def hard(tenant: str, number: int, more: str = "") -> str:
    return (
        f"tenant: {tenant}\ncontact: a@b.example\nisolation: hard\n"
        f'account_id: "{500000000000 + number}"\nregion: us-east-1\n{more}'
    )


def many_hard(count: int) -> dict[str, str]:
    return {f"tenants/agency-{n}.yaml": hard(f"agency-{n}", n) for n in range(count)}


def many_medium(count: int) -> dict[str, str]:
    return {
        f"tenants/city-{n}.yaml": f"tenant: city-{n}\ncontact: a@b.example\n" for n in range(count)
    }


def problems(root: Path, changed: dict[str, str]) -> tuple[Problem, ...]:
    try:
        load_estate(write_estate(root, changed))
    except InvalidInput as error:
        return error.problems
    return ()


def pool(cidr: str) -> dict[str, str]:
    return {"Pulumi.prod.yaml": PROD.replace("10.64.0.0/10", cidr)}


RULES: dict[str, tuple[dict[str, str], tuple[str, str, str, str]]] = {
    "a range outside the pool": (
        {"tenants/initech.yaml": f"{INITECH}cidr: 10.200.0.0/20\n"},
        (
            "tenants/initech.yaml",
            "cidr",
            "10.200.0.0/20 is not within 10.64.0.0/10",
            "leave `cidr`",
        ),
    ),
    "a range that overlaps another's": (
        {
            "tenants/initech.yaml": f"{INITECH}cidr: 10.64.0.0/20\n",
            "tenants/umbrella.yaml": hard("umbrella", 1, "cidr: 10.64.8.0/21\n"),
        },
        ("tenants/umbrella.yaml", "cidr", "the `cidr` of tenant initech", "a range of its own"),
    ),
    "a range that is too small for subnets": (
        {"tenants/initech.yaml": f"{INITECH}cidr: 10.64.0.0/24\n"},
        ("tenants/initech.yaml", "cidr", "10.64.0.0/24 is too small", "a /16 to a /23 of 10.64"),
    ),
    "a platform's range that is too small for subnets": (
        {"Pulumi.prod.yaml": PROD.replace("10.0.0.0/16", "10.0.0.0/24")},
        (
            "Pulumi.prod.yaml",
            "tenancy:environment.network.platform",
            "10.0.0.0/24 is too small",
            "a /16 to a /23",
        ),
    ),
    "a pool that is too small": (
        {**pool("10.64.0.0/19"), **many_hard(2)},
        (
            "Pulumi.prod.yaml",
            "tenancy:environment.network.tenants",
            "too few free /20 for the 3 hard tenants",
            "a larger pool",
        ),
    ),
    "more hard tenants than peerings": (
        many_hard(50),
        (
            "Pulumi.prod.yaml",
            "tenancy:environment.limits.peerings_per_vpc",
            "has 51 hard tenants, each peered to its one network, which may have 50",
            "to 125 at most",
        ),
    ),
    "more hosts than a load balancer takes": (
        many_medium(98),
        (
            "Pulumi.prod.yaml",
            "tenancy:environment.name",
            "has 99 tenants with a host of their own, and its load balancer has room for 98",
            "make some soft or hard",
        ),
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_a_broken_rule_names_file_field_rule_and_remedy(case: str, tmp_path: Path) -> None:
    changed, (where, field, rule, remedy) = RULES[case]
    (problem,) = problems(tmp_path, changed)
    assert (problem.where, problem.field) == (where, field)
    assert rule in problem.rule
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    "changed",
    [
        {"tenants/initech.yaml": f"{INITECH}cidr: 10.64.0.0/23\n"},
        {
            "tenants/initech.yaml": f"{INITECH}cidr: 10.64.0.0/20\n",
            "tenants/umbrella.yaml": hard("umbrella", 1, "cidr: 10.64.16.0/20\n"),
        },
        {**pool("10.64.0.0/19"), **many_hard(1)},
        many_hard(49),
        many_medium(97),
        {
            "Pulumi.prod.yaml": f"{PROD}    limits: {{peerings_per_vpc: 125}}\n",
            **many_hard(124),
        },
    ],
    ids=["smallest", "neighbours", "full pool", "50 hard", "98 medium", "125 hard, raised"],
)
def test_what_just_keeps_the_rules_is_taken(changed: dict[str, str], tmp_path: Path) -> None:
    assert problems(tmp_path, changed) == ()


def test_a_soft_tenant_with_a_network_of_medium_strength_counts_as_a_host(tmp_path: Path) -> None:
    strengthened = (
        "tenant: metro\ncontact: a@b.example\n"
        "isolation: {tier: soft, catalog: medium, network: medium}\n"
    )
    (problem,) = problems(tmp_path, {**many_medium(97), "tenants/metro.yaml": strengthened})
    assert "has 99 tenants with a host of their own" in problem.rule


@pytest.mark.parametrize("zones", ["[a]", "[a, a]", "[a, z]", "[a, 1]"])
def test_zones_are_two_or_more_different_letters(zones: str, tmp_path: Path) -> None:
    changed = {"Pulumi.prod.yaml": PROD.replace("10.64.0.0/10", f"10.64.0.0/10, zones: {zones}")}
    found = problems(tmp_path, changed)
    assert found
    assert all("network.zones" in problem.field for problem in found)


def test_a_quota_of_peerings_above_what_aws_gives_is_refused(tmp_path: Path) -> None:
    changed = {"Pulumi.prod.yaml": f"{PROD}    limits: {{peerings_per_vpc: 126}}\n"}
    (problem,) = problems(tmp_path, changed)
    assert "limits.peerings_per_vpc" in problem.field


def test_a_domain_too_long_for_a_tenants_certificate_is_refused(tmp_path: Path) -> None:
    fits, too_long = "a" * 31 + ".com", "a" * 32 + ".com"
    for domain, fine in ((fits, True), (too_long, False)):
        changed = {"Pulumi.prod.yaml": PROD.replace("lake.example.com", domain)}
        assert (problems(tmp_path, changed) == ()) is fine


def test_the_network_of_a_stack_is_the_platforms_or_its_hard_tenants(tmp_path: Path) -> None:
    estate = load_estate(write_estate(tmp_path))
    prod, initech = estate.stack("prod"), estate.stack("prod-initech")
    assert prod.network.cidr == "10.0.0.0/16"
    assert initech.network.cidr == "10.112.48.0/20"
    assert initech.tenants[0].placement.network == "10.112.48.0/20"
    assert {tenant.placement.network for tenant in prod.tenants} == {"10.0.0.0/16"}
    hosts = {t.id: t.network.host for stack in (prod, initech) for t in stack.tenants}
    assert hosts == {
        "acme": "catalog.lake.example.com",
        "globex": "globex.nessie.lake.example.com",
        "initech": "initech.nessie.lake.example.com",
    }
