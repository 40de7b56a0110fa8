"""Who is to be moved from which state to which, and from which states no move may start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from onboarding.deploy import Target
from onboarding.errors import Refused
from onboarding.events import Step
from onboarding.judge import Deployed
from onboarding.progress import Silence
from onboarding.reshard import Move, Moving, emptied_by, moves_of, same_things, tells_shards
from onboarding.scope import scope_of
from onboarding.state import split_urn
from tenancy.estate import load_estate
from tests.estates import FILES, write_estate

READER = "pulumi:pulumi:StackReference"
TENANT, ROLE = "tenancy:aws:Tenant", "aws:iam/role:Role"


def state(stack: str, *tenants: str, roles: str = "id", **outputs: object) -> dict[str, Any]:
    """A stack with these tenants, each with one role."""
    root = f"urn:pulumi:{stack}::tenancy::pulumi:pulumi:Stack::tenancy-{stack}"
    found = [{"urn": root, "custom": False, "type": "pulumi:pulumi:Stack", "outputs": outputs}]
    for tenant in tenants:
        urn = f"urn:pulumi:{stack}::tenancy::{TENANT}::{tenant}"
        role = f"urn:pulumi:{stack}::tenancy::{TENANT}${ROLE}::{tenant}-role"
        found += [
            {"urn": urn, "custom": False, "type": TENANT, "parent": root},
            {"urn": role, "custom": True, "type": ROLE, "parent": urn, "id": f"{tenant}-{roles}"},
        ]
    return {"version": 3, "deployment": {"resources": found}}


def moves(root: Path, shards: int | None, states: dict[str, Any]) -> list[tuple[str, str, str]]:
    text = FILES["Pulumi.prod.yaml"] + (f"    shards: {shards}\n" if shards else "")
    scope = scope_of(load_estate(write_estate(root, {"Pulumi.prod.yaml": text})), "prod")
    found = moves_of(scope, Deployed(states))
    return [(one.tenant, one.source, one.dest) for one in found]


def test_who_is_where_it_belongs_stays(tmp_path: Path) -> None:
    assert moves(tmp_path, None, {"prod": state("prod", "acme", "globex")}) == []
    assert moves(tmp_path, 2, {"prod-02": state("prod-02", "acme", "globex")}) == []


def test_the_first_shards_take_the_tenants_of_the_environments_stack(tmp_path: Path) -> None:
    states = {"prod": state("prod", "acme", "globex")}
    assert moves(tmp_path, 2, states) == [
        ("acme", "prod", "prod-02"),
        ("globex", "prod", "prod-02"),
    ]


def test_given_up_shards_give_their_tenants_back(tmp_path: Path) -> None:
    states = {"prod": state("prod"), "prod-02": state("prod-02", "acme", "globex")}
    assert moves(tmp_path, None, states) == [
        ("acme", "prod-02", "prod"),
        ("globex", "prod-02", "prod"),
    ]


def emptied(root: Path, shards: int, states: dict[str, Any]) -> list[str]:
    text = FILES["Pulumi.prod.yaml"] + f"    shards: {shards}\n"
    scope = scope_of(load_estate(write_estate(root, {"Pulumi.prod.yaml": text})), "prod")
    deployed = Deployed(states)
    return list(emptied_by(scope, deployed, moves_of(scope, deployed)))


def engines_own(stack: str) -> list[dict[str, Any]]:
    kinds = {"pulumi:providers:aws": True, READER: True, "tenancy:aws:Shard": False}
    return [
        {"urn": f"urn:pulumi:{stack}::tenancy::{kind}::it", "type": kind, "custom": custom}
        for kind, custom in kinds.items()
    ]


def test_a_shard_that_is_no_more_is_emptied_by_the_moves_of_all_that_is_in_it(
    tmp_path: Path,
) -> None:
    platform, there, empty = state("prod"), state("prod-03", "acme"), state("prod-04")
    for stack, found in (("prod-03", there), ("prod-04", empty)):
        found["deployment"]["resources"] += engines_own(stack)
    states = {"prod": platform, "prod-03": there, "prod-04": empty}
    assert emptied(tmp_path, 2, states) == ["prod-03", "prod-04"]
    assert emptied(tmp_path, 3, states) == ["prod-04"], "it is in use"


def test_a_shard_that_holds_or_began_anything_or_is_another_environments_stays(
    tmp_path: Path,
) -> None:
    pending, more = state("prod-03"), state("prod-03")
    role = f"urn:pulumi:prod-03::tenancy::{ROLE}::by-hand"
    pending["deployment"]["pending_operations"] = [{"type": "creating", "resource": {"urn": role}}]
    more["deployment"]["resources"].append({"urn": role, "type": ROLE, "custom": True})
    for found in (pending, more, state("prod-03", "gone")):
        assert emptied(tmp_path, 2, {"prod": state("prod"), "prod-03": found}) == []
    assert emptied(tmp_path, 2, {"dev-03": state("dev-03"), "prod-initech": state("x")}) == []


def test_who_is_hard_unknown_or_of_another_environment_is_not_moved(tmp_path: Path) -> None:
    states = {
        "prod-initech": state("prod-initech", "initech"),
        "prod-02": state("prod-02", "gone"),
        "dev-01": state("dev-01", "acme"),
    }
    assert moves(tmp_path, 2, states) == []


def test_a_move_that_was_killed_in_between_is_told_from_a_new_one(tmp_path: Path) -> None:
    text = FILES["Pulumi.prod.yaml"] + "    shards: 2\n"
    scope = scope_of(load_estate(write_estate(tmp_path, {"Pulumi.prod.yaml": text})), "prod")
    states = {"prod-01": state("prod-01", "acme"), "prod-02": state("prod-02", "acme")}
    (move,) = moves_of(scope, Deployed(states))
    assert move.begun
    assert same_things(Deployed(states), move)
    others = {**states, "prod-02": state("prod-02", "acme", roles="another")}
    assert not same_things(Deployed(others), move)


def test_the_way_back_names_the_resource_as_the_other_stack_does() -> None:
    move = Move("acme", "prod", "prod-02", f"urn:pulumi:prod::tenancy::{TENANT}::acme", begun=False)
    assert move.back == Move(
        "acme", "prod-02", "prod", f"urn:pulumi:prod-02::tenancy::{TENANT}::acme", begun=False
    )
    assert move.back.back == move


@pytest.mark.parametrize(("outputs", "told"), [({"commons": {}}, True), ({"vpc_id": "v"}, False)])
def test_a_platform_of_an_older_program_does_not_tell_shards_what_they_need(
    outputs: dict[str, Any], told: bool
) -> None:
    assert tells_shards(Deployed({"prod": state("prod", **outputs)}).state("prod")) is told


class Engine:
    """An engine that notes what it is asked, and whose previews may be interrupted."""

    def __init__(self, *, steps: tuple[Step, ...] = (), interrupted: bool = False) -> None:
        self.steps, self.interrupted = steps, interrupted
        self.asked: list[tuple[str, ...]] = []

    def init(self, stack: str) -> None:
        self.asked.append(("init", stack))

    def move(self, source: str, dest: str, urns: list[str]) -> None:
        self.asked.append(("move", source, dest, *(urn.rpartition("::")[2] for urn in urns)))

    def preview(self, stack: str, on_step: Callable[[Step], None]) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        for step in self.steps:
            if f":{stack}::" in step.urn:
                on_step(step)

    def interrupt(self) -> None:
        pass


def moved(root: Path, engine: Engine) -> list[tuple[str, ...]]:
    """What is asked of the engine to move acme from the environment's stack to a shard."""
    text = FILES["Pulumi.prod.yaml"] + "    shards: 2\n"
    changes = {"Pulumi.prod.yaml": text, "tenants/globex.yaml": None}
    scope = scope_of(load_estate(write_estate(root, changes)), "prod")
    deployed = Deployed({"prod": state("prod", "acme")})
    target = Target(cast("Any", engine), "tenancy", None, None, None)
    Moving(target, scope, deployed, Silence())(tuple(moves_of(scope, deployed)))
    return engine.asked


def update(urn: str) -> Step:
    type_, name = split_urn(urn)
    return Step(urn, "update", type_, name, done=False)


THERE, BACK = ("move", "prod", "prod-02", "acme"), ("move", "prod-02", "prod", "acme")


def test_what_is_the_platforms_own_may_change_with_a_move(tmp_path: Path) -> None:
    own = update("urn:pulumi:prod::tenancy::tenancy:aws:Platform$aws:iam/policy:Policy::p")
    assert moved(tmp_path, Engine(steps=(own,))) == [("init", "prod-02"), THERE]


@pytest.mark.parametrize("stack", ["prod", "prod-02"])
def test_where_something_of_a_tenant_would_change_it_is_moved_back(
    tmp_path: Path, stack: str
) -> None:
    engine = Engine(steps=(update(f"urn:pulumi:{stack}::tenancy::{TENANT}${ROLE}::acme-role"),))
    with pytest.raises(Refused, match="all was moved back: update urn:pulumi"):
        moved(tmp_path, engine)
    assert engine.asked == [("init", "prod-02"), THERE, BACK]


def test_an_interrupted_look_moves_back_too(tmp_path: Path) -> None:
    engine = Engine(interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        moved(tmp_path, engine)
    assert engine.asked == [("init", "prod-02"), THERE, BACK]
