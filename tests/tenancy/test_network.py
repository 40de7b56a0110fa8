"""Networks: ranges never overlap and hardly ever move; subnets go by zone."""

from fnmatch import fnmatchcase
from ipaddress import IPv4Network
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenancy.allotment import NoRoomError
from tenancy.environment import Environment, load_environment
from tenancy.grants import PolicyKind, render
from tenancy.names import PLATFORM, Names
from tenancy.network import (
    flow_log_statements,
    flow_log_trust,
    listener_priorities,
    plan_network,
    plan_ranges,
)
from tests.estates import ENVIRONMENT

POOL = IPv4Network("10.64.0.0/10")
NAMES = Names("lakehouse", "prod", "222222222222", "us-east-1")
TWO_HUNDRED = [f"agency-{number}" for number in range(200)]
TENANTS = st.sets(st.text("abcdef-", min_size=3, max_size=8), min_size=200, max_size=200)


@st.composite
def written_ranges(draw: st.DrawFn) -> dict[str, IPv4Network]:
    """Some tenants with ranges of mixed sizes in the pool, disjoint."""
    eights = draw(st.lists(st.integers(0, 63), unique=True, max_size=12))
    sizes = draw(st.lists(st.integers(16, 23), min_size=len(eights), max_size=len(eights)))
    sixteens = list(POOL.subnets(new_prefix=16))
    return {
        f"written-{number}": IPv4Network((int(sixteens[eight].broadcast_address), 32)).supernet(
            new_prefix=size
        )
        for number, (eight, size) in enumerate(zip(eights, sizes, strict=True))
    }


def apart(ranges: dict[str, IPv4Network]) -> bool:
    """Whether no two overlap: neighbours in order of address would."""
    ordered = sorted(ranges.values())
    return all(one.broadcast_address < other.network_address for one, other in pairwise(ordered))


@settings(max_examples=25, deadline=None)
@given(TENANTS, written_ranges())
def test_two_hundred_hard_tenants_never_overlap_and_written_ranges_are_kept(
    tenants: set[str], written: dict[str, IPv4Network]
) -> None:
    planned = plan_ranges(POOL, dict.fromkeys(sorted(tenants)) | written)
    assert set(planned) == tenants | set(written)
    assert apart(planned)
    assert all(range_.subnet_of(POOL) for range_ in planned.values())
    assert written.items() <= planned.items()
    assert {planned[tenant].prefixlen for tenant in tenants} == {20}


def test_what_apart_tells_is_what_overlaps_tells() -> None:
    a, b, c = map(IPv4Network, ("10.0.0.0/24", "10.0.1.0/24", "10.0.0.128/25"))
    for ranges in ({"a": a, "b": b}, {"a": a, "c": c}, {"a": a, "b": b, "c": c}):
        overlaps = any(one.overlaps(other) for one, other in combinations(ranges.values(), 2))
        assert apart(ranges) is not overlaps


def test_a_range_depends_on_nothing_but_the_names() -> None:
    # These ranges are deployed: another plan would be refused by the guard, tenant by tenant.
    planned = plan_ranges(POOL, {"initech": None, "federal-dhs": None})
    assert {tenant: str(range_) for tenant, range_ in planned.items()} == {
        "initech": "10.112.48.0/20",
        "federal-dhs": "10.92.176.0/20",
    }


def test_a_new_tenant_moves_another_only_where_their_places_collide() -> None:
    before = plan_ranges(POOL, dict.fromkeys(TWO_HUNDRED))
    moving = 0
    for number in range(100):
        after = plan_ranges(POOL, dict.fromkeys([*TWO_HUNDRED, f"new-{number}"]))
        moved = [tenant for tenant in TWO_HUNDRED if before[tenant] != after[tenant]]
        if moved:
            moving += 1
            left = {before[tenant] for tenant in moved}
            assert after[f"new-{number}"] in left
    assert moving <= 15


def test_a_tenant_that_would_move_stays_when_its_range_is_written_down() -> None:
    before = plan_ranges(POOL, dict.fromkeys(TWO_HUNDRED))
    for number in range(100):
        tenants = dict.fromkeys([*TWO_HUNDRED, f"new-{number}"])
        after = plan_ranges(POOL, tenants)
        moved = {tenant for tenant in TWO_HUNDRED if before[tenant] != after[tenant]}
        if moved:
            kept = plan_ranges(POOL, tenants | {tenant: before[tenant] for tenant in moved})
            assert all(kept[tenant] == before[tenant] for tenant in TWO_HUNDRED)
            return
    pytest.fail("none of the new tenants collided: the test tests nothing")


def test_a_pool_without_a_free_range_is_refused() -> None:
    pool = IPv4Network("10.64.0.0/19")
    assert len(plan_ranges(pool, {"one": None, "two": None})) == 2
    with pytest.raises(NoRoomError):
        plan_ranges(pool, {"one": None, "two": None, "three": None})
    # A written /23 takes the whole place that it lies in.
    with pytest.raises(NoRoomError):
        plan_ranges(pool, {"one": None, "two": None, "three": IPv4Network("10.64.16.0/23")})


@given(st.sets(st.text("abc.-", min_size=3, max_size=9), max_size=100))
def test_listener_priorities_are_unique_and_what_a_load_balancer_takes(hosts: set[str]) -> None:
    priorities = listener_priorities(hosts)
    assert set(priorities) == hosts
    assert len(set(priorities.values())) == len(hosts)
    assert all(1 <= priority <= 50_000 for priority in priorities.values())


def test_every_priority_of_a_load_balancer_can_be_given() -> None:
    hosts = [f"{number}.nessie.lake.example.com" for number in range(50_000)]
    assert sorted(listener_priorities(hosts).values()) == list(range(1, 50_001))


def test_a_host_keeps_its_priority_when_others_come() -> None:
    hosts = [f"{tenant}.nessie.lake.example.com" for tenant in TWO_HUNDRED[:98]]
    before, after = listener_priorities(hosts[:50]), listener_priorities(hosts)
    assert before.items() <= after.items()


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return loaded(tmp_path)


def loaded(root: Path, more: str = "", zones: str = "") -> Environment:
    text = ENVIRONMENT.format(name="prod", account="222222222222") + more
    text = text.replace("tenants: 10.64.0.0/10", f"tenants: 10.64.0.0/10{zones}")
    path = root / "Pulumi.prod.yaml"
    path.write_text(text)
    environment = load_environment(path)
    assert environment
    return environment


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.64.16.0/20", "10.64.16.0/23"])
def test_each_zone_has_a_subnet_of_its_own_within_the_range(
    cidr: str, environment: Environment
) -> None:
    plan = plan_network(NAMES, PLATFORM, IPv4Network(cidr), environment)
    assert [subnet.zone for subnet in plan.subnets] == ["us-east-1a", "us-east-1b"]
    one, other = (IPv4Network(subnet.cidr) for subnet in plan.subnets)
    assert not one.overlaps(other)
    assert one.subnet_of(IPv4Network(cidr))
    assert other.subnet_of(IPv4Network(cidr))
    # Amazon VPC User Guide, "Subnet sizing"; a load balancer's subnet is a /27 at least.
    assert one.prefixlen <= 27


def test_a_zone_more_moves_no_subnet(tmp_path: Path) -> None:
    cidr = IPv4Network("10.64.16.0/20")
    few = plan_network(NAMES, PLATFORM, cidr, loaded(tmp_path, zones=", zones: [b, f]"))
    more = plan_network(NAMES, PLATFORM, cidr, loaded(tmp_path, zones=", zones: [f, a, b]"))
    assert set(few.subnets) < set(more.subnets)
    assert [subnet.zone[-1] for subnet in more.subnets] == ["a", "b", "f"]


def test_only_an_embedded_load_balancer_may_be_deleted_at_once(tmp_path: Path) -> None:
    cidr = IPv4Network("10.0.0.0/16")
    prod = plan_network(NAMES, PLATFORM, cidr, loaded(tmp_path))
    local = plan_network(NAMES, PLATFORM, cidr, loaded(tmp_path, "    embedded: true\n"))
    assert (prod.deletion_protection, local.deletion_protection) == (True, False)


def test_images_are_pulled_from_the_registries_that_the_environment_names(tmp_path: Path) -> None:
    environment = loaded(tmp_path)
    image = "555555555555.dkr.ecr.us-east-1.amazonaws.com/nessie:0.99.0"
    images = environment.images.model_copy(update={"nessie": image})
    environment = environment.model_copy(update={"images": images})
    plan = plan_network(NAMES, PLATFORM, IPv4Network("10.0.0.0/16"), environment)
    (ecr,) = [endpoint for endpoint in plan.interfaces if endpoint.service == "ecr.dkr"]
    (pull,) = [statement for statement in ecr.statements if statement.sid == "Pull"]
    assert pull.resources == (
        "arn:aws:ecr:us-east-1:222222222222:repository/*",
        "arn:aws:ecr:us-east-1:555555555555:repository/*",
    )


def test_flow_logs_are_appended_to_their_group_and_nothing_else_is_allowed() -> None:
    append, deny = flow_log_statements(NAMES, "initech")
    group = "arn:aws:logs:us-east-1:222222222222:log-group:/lakehouse-prod/initech/flow-logs"
    assert append.resources == (group, f"{group}:*")
    assert not any(fnmatchcase(f"{group}-of-another:stream", r) for r in append.resources)
    assert (deny.effect, deny.not_actions, deny.resources) == ("Deny", append.actions, ("*",))
    assert not [a for a in append.actions if "Get" in a or "Delete" in a or "Filter" in a]
    render((append, deny), PolicyKind.MANAGED)


def test_only_flow_logs_of_the_account_and_region_assume_their_role() -> None:
    (statement,) = flow_log_trust(NAMES)
    assert statement.principals == {"Service": ("vpc-flow-logs.amazonaws.com",)}
    assert statement.conditions == {
        "StringEquals": {"aws:SourceAccount": "222222222222"},
        "ArnLike": {"aws:SourceArn": "arn:aws:ec2:us-east-1:222222222222:vpc-flow-log/*"},
    }
