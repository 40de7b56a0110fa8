"""Columns that readers already see cannot become restricted; the other way, and new ones, may."""

from pathlib import Path

import pytest

from onboarding import columns
from onboarding.columns import OpenColumns
from onboarding.errors import Refused
from onboarding.state import StackState
from tenancy.estate import load_estate
from tests.estates import FILES, write_estate

DEPLOYED = (OpenColumns("acme", {"events": ["id", "phone"]}),)
RESTRICTING = "access_overrides: {events: {phone: restricted}}\n"


def test_an_unchanged_estate_passes(tmp_path: Path) -> None:
    columns.check(DEPLOYED, load_estate(write_estate(tmp_path)).stacks)


def test_restricting_a_deployed_public_column_is_refused(tmp_path: Path) -> None:
    changed = {"tenants/acme.yaml": FILES["tenants/acme.yaml"] + RESTRICTING}
    with pytest.raises(Refused) as refused:
        columns.check(DEPLOYED, load_estate(write_estate(tmp_path, changed)).stacks)
    (problem,) = refused.value.problems
    assert problem.where == "tenants/acme.yaml"
    assert problem.field == "access_overrides.events.phone"
    assert "under a new name" in problem.remedy


def test_restricting_it_for_another_tenant_that_is_not_deployed_passes(tmp_path: Path) -> None:
    changed = {"tenants/globex.yaml": FILES["tenants/globex.yaml"] + RESTRICTING}
    columns.check(DEPLOYED, load_estate(write_estate(tmp_path, changed)).stacks)


def test_the_open_columns_are_read_from_the_tenants_in_a_state() -> None:
    urn = "urn:pulumi:prod::tenancy::tenancy:aws:Tenant::acme"
    outputs = {"public_columns": {"events": ["id", "phone"]}}
    resource = {"urn": urn, "type": "tenancy:aws:Tenant", "custom": False, "outputs": outputs}
    assert columns.deployed_columns(StackState.of({"deployment": {"resources": [resource]}})) == (
        DEPLOYED
    )
