"""Shards: who lives where, that few move, and what no stack is called."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tenancy.errors import InvalidInput
from tenancy.estate import Estate, load_estate
from tenancy.ids import TENANT_ID
from tenancy.shards import home, is_shard, shard_of, shard_stack
from tests.estates import FILES, write_estate

MANY = [f"tenant-{number:04}" for number in range(2_000)]


def sharded(root: Path, shards: object) -> Estate:
    environment = FILES["Pulumi.prod.yaml"] + f"    shards: {shards}\n"
    return load_estate(write_estate(root, {"Pulumi.prod.yaml": environment}))


def test_a_tenants_shard_never_changes_while_their_number_does_not() -> None:
    """These are deployed somewhere: another hash would move them all."""
    found = {tenant: shard_of(tenant, 4) for tenant in ("acme", "globex", "colorado-state")}
    assert found == {"acme": 2, "globex": 2, "colorado-state": 4}


def test_tenants_are_spread_evenly() -> None:
    counts = Counter(shard_of(tenant, 20) for tenant in MANY)
    assert set(counts) == set(range(1, 21))
    assert max(counts.values()) < 1.5 * len(MANY) / 20


def test_one_shard_more_moves_only_those_that_live_in_it_then() -> None:
    moved = [tenant for tenant in MANY if shard_of(tenant, 10) != shard_of(tenant, 11)]
    assert {shard_of(tenant, 11) for tenant in moved} == {11}
    assert 0.5 < len(moved) / (len(MANY) / 11) < 1.5


def test_without_shards_a_tenant_lives_in_the_environments_stack() -> None:
    assert home("prod", None, "acme") == "prod"
    assert home("prod", 1, "acme") == "prod-01"


@pytest.mark.parametrize("stack", ["prod-01", "prod-10", "prod-100"])
def test_a_shard_is_told_from_a_hard_tenants_stack(stack: str) -> None:
    assert is_shard("prod", stack)
    assert shard_stack("prod", int(stack[5:])) == stack
    assert not TENANT_ID.fullmatch(stack.removeprefix("prod-"))


@pytest.mark.parametrize(
    "stack", ["prod", "prod-1", "prod-acme", "prod-a01", "dev-01", "prod-01-a"]
)
def test_other_stacks_are_no_shards(stack: str) -> None:
    assert not is_shard("prod", stack)


def test_the_platform_serves_tenants_that_are_in_shards(tmp_path: Path) -> None:
    estate = sharded(tmp_path, 3)
    platform, *shards, hard = estate.stacks
    assert (platform.name, platform.tenants, platform.shard) == ("prod", (), False)
    assert [one.id for one in platform.served] == ["acme", "globex"]
    assert [one.name for one in shards] == ["prod-01", "prod-02", "prod-03"]
    assert all(one.shard and not one.hard and one.account_id == "222222222222" for one in shards)
    held = {tenant: one.name for one in shards for tenant in one.tenant_ids}
    assert held == {tenant: home("prod", 3, tenant) for tenant in ("acme", "globex")}
    assert (hard.name, hard.shard, hard.tenant_ids) == ("prod-initech", False, ("initech",))


def test_a_tenant_has_the_same_priorities_in_a_shard_as_in_the_environments_stack(
    tmp_path: Path,
) -> None:
    whole = load_estate(write_estate(tmp_path / "whole")).stack("prod").priorities
    for stack in sharded(tmp_path / "sharded", 2).stacks:
        if not stack.hard:
            assert stack.priorities.items() <= whole.items()


def test_what_a_shard_makes_is_managed_by_the_environments_stack(tmp_path: Path) -> None:
    """A tag with the shard's name would change all that moves."""
    homes = {stack.name: stack.home for stack in sharded(tmp_path, 2).stacks}
    assert homes == {
        "prod": "prod",
        "prod-01": "prod",
        "prod-02": "prod",
        "prod-initech": "prod-initech",
    }


def test_the_file_of_a_shard_is_no_orphan(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.prod-07.yaml").write_text("encryptionsalt: v1:x\n")
    sharded(tmp_path, 2)
    (tmp_path / "Pulumi.prod-gone.yaml").write_text("encryptionsalt: v1:x\n")
    with pytest.raises(InvalidInput, match="no hard tenant gone"):
        load_estate(tmp_path)


@pytest.mark.parametrize("shards", [0, -1, 501, "many", "true"])
def test_a_number_of_shards_that_makes_no_sense_is_refused(tmp_path: Path, shards: object) -> None:
    with pytest.raises(InvalidInput, match="shards"):
        sharded(tmp_path, shards)
