"""Shards on the real engine: a tenant moves to another stack, and the cloud does not hear of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.integration.checkout import Checkout, Json

pytestmark = pytest.mark.xdist_group("shards")

MOVING, STAYING = "ant", "fox"
"""Of two shards both are in the second; of three the one is in the third."""


@pytest.fixture(scope="module")
def sharded(new_checkout: Callable[[], Checkout]) -> Checkout:
    """Two soft tenants in two shards, deployed."""
    checkout = new_checkout()
    checkout.shrink({MOVING: "soft", STAYING: "soft"})
    shard(checkout, 2)
    checkout.up()
    return checkout


def shard(checkout: Checkout, shards: int) -> None:
    path = checkout.root / "Pulumi.local.yaml"
    lines = [one for one in path.read_text("utf-8").splitlines() if "shards:" not in one]
    lines.insert(lines.index("    name: local"), f"    shards: {shards}")
    path.write_text("\n".join(lines) + "\n", "utf-8")


def things(checkout: Checkout, stack: str) -> dict[str, dict[str, str]]:
    """Tenant -> name -> id of its things, as the stack's state has them."""
    found: dict[str, dict[str, str]] = {MOVING: {}, STAYING: {}}
    for urn, entry in checkout.resources(stack).items():
        name = urn.rpartition("::")[2]
        if name.partition("-")[0] in found and entry["type"].startswith("aws:"):
            found[name.partition("-")[0]][f"{entry['type']} {name}"] = entry["id"]
    return found


def resharded(checkout: Checkout, *options: str) -> Json:
    done = checkout.tenancy("reshard", "--json", *options)
    assert done.returncode == 0, done.stderr
    result: Json = json.loads(done.stdout)
    return result


def test_a_tenant_moves_from_shard_to_shard_and_no_resource_is_touched(sharded: Checkout) -> None:
    state = sharded.root / ".local/state/.pulumi/stacks/tenancy/local-02.json"
    before = things(sharded, "local-02")
    assert len(before[MOVING]) == len(before[STAYING]) > 20

    shard(sharded, 3)
    refused = sharded.run("up")
    assert refused.returncode != 0
    assert f"tenant {MOVING} is deployed in stack local-02 and belongs in" in refused.stderr
    assert "tenancy reshard" in refused.stderr

    (move,) = resharded(sharded)["moves"]
    assert (move["tenant"], move["source"], move["dest"]) == (MOVING, "local-02", "local-03")
    assert things(sharded, "local-02") == before, "it moved without --yes"

    unmoved = state.read_bytes()
    assert resharded(sharded, "--yes")["moved"]
    assert things(sharded, "local-02") == {MOVING: {}, STAYING: before[STAYING]}
    assert things(sharded, "local-03") == {MOVING: before[MOVING], STAYING: {}}
    again = resharded(sharded, "--yes")
    assert again == {"environment": "local", "moved": False, "moves": [], "emptied": []}

    # Killed between the two writes of a move: it is in both.
    state.write_bytes(unmoved)
    (move,) = resharded(sharded, "--yes")["moves"]
    assert move["begun"]
    assert things(sharded, "local-02") == {MOVING: {}, STAYING: before[STAYING]}
    assert things(sharded, "local-03") == {MOVING: before[MOVING], STAYING: {}}


def test_a_move_is_taken_back_where_an_update_would_then_change_something(
    sharded: Checkout,
) -> None:
    before = things(sharded, "local-02"), things(sharded, "local-03")
    shard(sharded, 2)
    file = f"tenants/{MOVING}.yaml"
    with sharded.edited(file, sharded.read(file) + "audit: {realtime: true}\n"):
        done = sharded.tenancy("reshard", "--yes")
    shard(sharded, 3)
    assert done.returncode == 2
    assert "all was moved back" in done.stderr
    assert f"{MOVING}-audit-realtime" in done.stderr
    assert (things(sharded, "local-02"), things(sharded, "local-03")) == before


def test_a_shard_that_is_no_more_is_removed_once_it_is_empty(sharded: Checkout) -> None:
    before = things(sharded, "local-02"), things(sharded, "local-03")
    shard(sharded, 2)
    assert resharded(sharded)["emptied"] == ["local-03"]
    assert (things(sharded, "local-02"), things(sharded, "local-03")) == before
    assert resharded(sharded, "--yes")["emptied"] == ["local-03"]
    assert len(things(sharded, "local-02")[MOVING]) == len(before[1][MOVING])
    left = json.loads(sharded.pulumi("stack", "ls", "--json").stdout)
    assert {stack["name"] for stack in left} == {"local", "local-01", "local-02"}
