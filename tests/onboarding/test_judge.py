"""What the files alone are refused for, before an engine is asked."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.judge import Deployed, refusals_of, refused_by_files
from onboarding.planned import Code
from onboarding.state import PLACEMENT_TYPE, TENANT_TYPE
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
    kinds = [Kind.INPUT, Kind.ACCESS, Kind.COLLISION, Kind.QUOTA]
    problems = [Problem("a.yaml", "b", kind.value, "do", kind) for kind in kinds]
    assert [(refusal.code, refusal.where) for refusal in refusals_of(problems)] == [
        (Code.CROSS_TENANT, "a.yaml: b"),
        (Code.COLLISION, "a.yaml: b"),
        (Code.QUOTA, "a.yaml: b"),
    ]
