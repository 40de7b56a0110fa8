"""Where each tenant stands, from states and notes."""

from __future__ import annotations

import pytest

from onboarding.judge import Deployed
from onboarding.scope import Scope, scope_of
from onboarding.standing import rows
from onboarding.state import PLACEMENT_TYPE
from tenancy import cost
from tenancy.estate import load_estate
from tests.estates import write_estate
from tests.onboarding.exports import export, resource

KEY = resource("aws:kms/key:Key", "own", inputs={"tags": {"tenant": "globex"}}, outputs={})
DEPLOYED = Deployed({"prod": export(resource(PLACEMENT_TYPE, "globex tier=medium"), KEY)})
DRIFT = {"stacks": ["prod"], "owners": {"globex": 2}}
PRICES = cost.Prices.read()


@pytest.fixture(scope="module")
def scope(tmp_path_factory: pytest.TempPathFactory) -> Scope:
    return scope_of(load_estate(write_estate(tmp_path_factory.mktemp("estate"))), "prod")


def test_each_tenant_has_a_row_with_its_stack_tier_update_and_cost(scope: Scope) -> None:
    found = {row.tenant: row for row in rows(scope, DEPLOYED, DRIFT, PRICES)}
    assert list(found) == ["platform", "acme", "globex", "initech"]
    globex, initech = found["globex"], found["initech"]
    assert (globex.tier, globex.stacks, globex.deployed) == ("medium", ("prod",), True)
    assert (globex.differs, globex.cost) == (2, f"{PRICES.key_month:.2f}")
    assert globex.updated.startswith("2026-03-01")
    assert (initech.tier, initech.stacks) == ("hard", ("prod-initech",))
    assert (initech.deployed, initech.updated, initech.cost) == (False, "", "0.00")
    assert found["acme"].differs == 0
    assert initech.differs is None, "its stack was not read back"


def test_a_tenant_whose_stack_is_deployed_without_it_is_not(scope: Scope) -> None:
    found = {row.tenant: row for row in rows(scope, DEPLOYED, {}, PRICES)}
    assert not found["acme"].deployed
    assert found["platform"].deployed
    assert found["acme"].differs is None


def test_no_cost_is_told_where_no_prices_are_known(scope: Scope) -> None:
    assert {row.cost for row in rows(scope, DEPLOYED, DRIFT, None)} == {""}
