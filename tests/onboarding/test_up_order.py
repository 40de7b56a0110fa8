"""An update: the platform first, and what was previewed of others only as long as it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onboarding import up
from onboarding.deploy import Target, Updated
from onboarding.engine import Engine
from onboarding.judge import Deployed, Judged
from onboarding.planned import Plan
from onboarding.previews import Preview
from onboarding.progress import Silence
from onboarding.scope import Scope, scope_of
from onboarding.summary import StackSummary
from tenancy.estate import load_estate
from tests.estates import FILES, write_estate

KNOWN = Preview(())


def told(stack: str, **outputs: str) -> dict[str, Any]:
    kind = "pulumi:pulumi:Stack"
    root = {"urn": f"urn:pulumi:{stack}::tenancy::{kind}::s", "type": kind, "outputs": outputs}
    return {"deployment": {"resources": [root]}}


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    sharded = {"Pulumi.prod.yaml": FILES["Pulumi.prod.yaml"] + "    shards: 2\n"}
    return scope_of(load_estate(write_estate(tmp_path, sharded)), "prod")


def updated(
    scope: Scope, monkeypatch: pytest.MonkeyPatch, *, vpc: str
) -> dict[str, Preview | None]:
    """Stack -> the preview that it was deployed with, in the order of deployment.

    The platform tells ``vpc`` once it was updated.
    """
    found: dict[str, Preview | None] = {}

    def deploy(
        target: Target, stack: str, reporter: object, *, preview: Preview | None, program: str
    ) -> Updated:
        found[stack] = preview
        outputs = {"vpc": vpc} if stack == "prod" else {}
        return Updated(StackSummary(stack, {}, 0, (), 0.0), told(stack, **outputs))

    monkeypatch.setattr(up, "deploy", deploy)
    target = Target(Engine(Path(), Path(), Path()), "tenancy", None, None, None)
    names = [plan.name for plan in scope.plans]
    judged = Judged(Plan(), dict.fromkeys(names, ""), dict.fromkeys(names, KNOWN))
    before = Deployed({"prod": told("prod", vpc="v-1")})
    up.Update(target, scope, judged, before, dict.fromkeys(names, ())).run(Silence())
    return found


def test_shards_and_hard_tenants_come_after_the_platform(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = updated(scope, monkeypatch, vpc="v-1")
    assert next(iter(found)) == "prod"
    assert found == dict.fromkeys(("prod", "prod-01", "prod-02", "prod-initech"), KNOWN)


def test_what_was_previewed_before_the_platform_told_otherwise_is_previewed_again(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = updated(scope, monkeypatch, vpc="v-2")
    assert found.pop("prod") is KNOWN
    assert found == dict.fromkeys(("prod-01", "prod-02", "prod-initech"))
