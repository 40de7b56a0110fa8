"""What the files alone are refused for, before an engine is asked."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from onboarding.judge import (
    Deployed,
    Question,
    keep_settled,
    key_of_preview,
    refusals_of,
    refused_by_files,
)
from onboarding.planned import Code
from onboarding.previews import Kept
from onboarding.scope import scope_of
from onboarding.state import PLACEMENT_TYPE, STACK_TYPE, TENANT_TYPE
from tenancy.errors import Kind, Problem
from tenancy.estate import Estate, load_estate
from tests.estates import write_estate
from tests.onboarding.exports import export, resource


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return load_estate(write_estate(tmp_path_factory.mktemp("estate")))


def deployed(*resources: dict[str, Any]) -> Deployed:
    return Deployed({"prod": export(*resources)})


def test_an_estate_that_is_deployed_nowhere_or_as_it_is_wanted_is_not_refused(
    estate: Estate,
) -> None:
    assert refused_by_files(Deployed({}), estate.stacks) == ()
    anchors = [
        resource(PLACEMENT_TYPE, tenant.placement.anchor) for tenant in estate.stack("prod").tenants
    ]
    assert refused_by_files(deployed(*anchors), estate.stacks) == ()


def test_a_removed_tenant_and_a_changed_tier_would_lose_data(estate: Estate) -> None:
    found = refused_by_files(
        deployed(
            resource(PLACEMENT_TYPE, "gone tier=soft"), resource(PLACEMENT_TYPE, "acme tier=medium")
        ),
        estate.stacks,
    )
    assert {refusal.code for refusal in found} == {Code.DATA_LOSS}
    assert [refusal.where for refusal in found] == [
        "tenants/gone.yaml",
        "tenants/acme.yaml: isolation.tier",
    ]


def test_a_column_that_everybody_sees_already_is_not_restricted_later(estate: Estate) -> None:
    seen = {"public_columns": {"events": ["id", "email"]}}
    found = refused_by_files(deployed(resource(TENANT_TYPE, "acme", outputs=seen)), estate.stacks)
    assert [refusal.where for refusal in found] == [
        "tenants/acme.yaml: access_overrides.events.email"
    ]


def test_problems_of_files_that_a_plan_knows_have_its_codes() -> None:
    kinds = [Kind.INPUT, Kind.ACCESS, Kind.COLLISION, Kind.QUOTA, Kind.LOSS]
    problems = [Problem("a.yaml", "b", kind.value, "do", kind) for kind in kinds]
    assert [(refusal.code, refusal.where) for refusal in refusals_of(problems)] == [
        (Code.CROSS_TENANT, "a.yaml: b"),
        (Code.COLLISION, "a.yaml: b"),
        (Code.QUOTA, "a.yaml: b"),
        (Code.DATA_LOSS, "a.yaml: b"),
    ]


def asked(estate: Estate, folder: Path, **states: dict[str, Any]) -> Question:
    return Question(folder, scope_of(estate, "prod"), Deployed(states), Kept(folder / "kept"))


def told(**outputs: str) -> dict[str, Any]:
    found = export()
    (root,) = found["deployment"]["resources"]
    assert root["type"] == STACK_TYPE
    root["outputs"] = outputs
    return found


def kept(question: Question, stack: str, program: str = "one") -> bool:
    plan = next(plan for plan in question.scope.plans if plan.name == stack)
    return question.kept.of(stack, key_of_preview(question, plan, program)) is not None


def test_after_an_update_nothing_is_to_change_until_anything_does(
    estate: Estate, tmp_path: Path
) -> None:
    """What another stack tells counts too, and what else becomes of that one does not."""
    more = resource("aws:s3/bucket:Bucket", "more")
    own, other = told(), told(vpc_id="vpc-1")
    states = {"prod": other, "prod-initech": own}
    question = asked(estate, tmp_path, **states)
    keep_settled(question, {"prod-initech": "one"}, ["prod-initech"])
    assert kept(question, "prod-initech")
    assert not kept(question, "prod")
    assert not kept(question, "prod-initech", "another program")
    grown = deepcopy(other)
    grown["deployment"]["resources"].append(more)
    assert kept(asked(estate, tmp_path, **{**states, "prod": grown}), "prod-initech")
    moved = {**states, "prod": told(vpc_id="vpc-2")}
    assert not kept(asked(estate, tmp_path, **moved), "prod-initech")
    changed = deepcopy(own)
    changed["deployment"]["resources"].append(more)
    assert not kept(asked(estate, tmp_path, **{**states, "prod-initech": changed}), "prod-initech")
    (tmp_path / "Pulumi.prod-initech.yaml").write_text("config: {}\n")
    assert not kept(question, "prod-initech")
