"""An update: the platform first, and what was previewed of others only as long as it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from onboarding import up
from onboarding.deploy import Target
from onboarding.judge import Deployed, Judged
from onboarding.planned import Plan
from onboarding.previews import Preview
from onboarding.progress import Silence
from onboarding.scope import Scope, scope_of
from onboarding.state import StackState
from onboarding.summary import StackSummary
from tenancy.estate import load_estate
from tests.estates import FILES, write_estate

KNOWN = Preview(())


class Engine:
    """An engine whose platform tells ``outputs`` once it was updated."""

    def __init__(self, **outputs: str) -> None:
        self.outputs = outputs

    def export(self, stack: str) -> StackState:
        return StackState.of(told(stack, **self.outputs))

    def interrupt(self) -> None:
        pass


def told(stack: str, **outputs: str) -> dict[str, Any]:
    kind = "pulumi:pulumi:Stack"
    root = {"urn": f"urn:pulumi:{stack}::tenancy::{kind}::s", "type": kind, "outputs": outputs}
    return {"deployment": {"resources": [root]}}


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    sharded = {"Pulumi.prod.yaml": FILES["Pulumi.prod.yaml"] + "    shards: 2\n"}
    return scope_of(load_estate(write_estate(tmp_path, sharded)), "prod")


def updated(
    scope: Scope, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Preview | None]:
    """Stack -> the preview that it was deployed with, in the order of deployment."""
    found: dict[str, Preview | None] = {}

    def deploy(
        target: Target, stack: str, reporter: object, *, preview: Preview | None, program: str
    ) -> StackSummary:
        found[stack] = preview
        return StackSummary(stack, {}, 0, (), 0.0)

    monkeypatch.setattr(up, "deploy", deploy)
    target = Target(cast("Any", engine), "tenancy", None, None, None)
    names = [plan.name for plan in scope.plans]
    judged = Judged(Plan(), dict.fromkeys(names, ""), dict.fromkeys(names, KNOWN))
    before = Deployed({"prod": told("prod", vpc="v-1")})
    up.Update(target, scope, judged, before, dict.fromkeys(names, ())).run(Silence())
    return found


def test_shards_and_hard_tenants_come_after_the_platform(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = updated(scope, Engine(vpc="v-1"), monkeypatch)
    assert next(iter(found)) == "prod"
    assert found == dict.fromkeys(("prod", "prod-01", "prod-02", "prod-initech"), KNOWN)


def test_what_was_previewed_before_the_platform_told_otherwise_is_previewed_again(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = updated(scope, Engine(vpc="v-2"), monkeypatch)
    assert found.pop("prod") is KNOWN
    assert found == dict.fromkeys(("prod-01", "prod-02", "prod-initech"))
