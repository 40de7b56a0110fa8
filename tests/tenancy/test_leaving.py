"""What a tenant that is leaving may do, and what the files make of one that has left."""

from pathlib import Path

import pytest

from tenancy.access import boundary_statements
from tenancy.audit_roles import auditor_boundary_statements
from tenancy.errors import InvalidInput
from tenancy.estate import load_estate
from tenancy.fences import TENANT_TAG
from tenancy.leaving import SUSPENDED
from tenancy.names import Names
from tenancy.services import service_boundary_statements
from tenancy.settings import TenantSettings
from tenancy.shared_roles import shared_boundary_statements
from tenancy.tenant import load_tenant
from tests.estates import FILES, write_estate
from tests.tenancy.test_estate import VENDING

ACME = FILES["tenants/acme.yaml"]
NAMES = Names("lakehouse", "prod", "222222222222", "us-east-1")


def acme(root: Path, more: str) -> TenantSettings:
    estate = load_estate(write_estate(root, {"tenants/acme.yaml": ACME + more}))
    return next(one for one in estate.stack("prod").tenants if one.id == "acme")


@pytest.mark.parametrize("state", ["suspended", "exported"])
def test_nobody_acts_for_a_tenant_that_is_leaving(tmp_path: Path, state: str) -> None:
    settings = acme(tmp_path, f"offboarding: {state}\n")
    assert boundary_statements(settings) == SUSPENDED
    assert auditor_boundary_statements(settings) == SUSPENDED
    assert service_boundary_statements(NAMES, "acme", "platform", suspended=True) == SUSPENDED
    (deny,) = SUSPENDED
    assert (deny.effect, deny.actions, deny.resources, deny.conditions) == (
        "Deny",
        ("*",),
        ("*",),
        {},
    )


def test_who_stays_is_not_denied(tmp_path: Path) -> None:
    assert boundary_statements(acme(tmp_path, "")) != SUSPENDED


def test_of_shared_roles_only_its_sessions_are_denied() -> None:
    before = shared_boundary_statements(NAMES)
    *rest, deny = shared_boundary_statements(NAMES, ["acme"])
    assert tuple(rest) == before
    assert (deny.effect, deny.actions, deny.resources) == ("Deny", ("*",), ("*",))
    assert deny.conditions == {"StringEquals": {TENANT_TAG: ("acme",)}}


def test_who_has_left_is_in_no_stack_and_moves_nobody(tmp_path: Path) -> None:
    hard = FILES["tenants/initech.yaml"]
    zeta = (hard or "").replace("initech", "zeta").replace("444444444444", "333333333333")
    before = load_estate(write_estate(tmp_path, {"tenants/zeta.yaml": zeta}))
    left = {"tenants/initech.yaml": f"{hard}offboarding: destroyed\n", "tenants/zeta.yaml": zeta}
    after = load_estate(write_estate(tmp_path, left))
    assert [plan.name for plan in after.stacks] == ["prod", "prod-zeta"]
    assert after.stack("prod-zeta") == before.stack("prod-zeta")


def test_a_vended_account_stays_in_its_stack_and_may_leave_it(tmp_path: Path) -> None:
    gone = {"tenants/initech.yaml": f"{VENDING['tenants/initech.yaml']}offboarding: destroyed\n"}
    (plan,) = load_estate(write_estate(tmp_path, VENDING | gone)).organizations
    assert plan.members == ("initech",)
    assert plan.left == {"initech"}


@pytest.mark.parametrize(
    ("written", "read"),
    [("true", "a legal hold"), ("false", None), ("a case", "a case")],
)
def test_a_legal_hold_is_true_or_a_reason(tmp_path: Path, written: str, read: str | None) -> None:
    root = write_estate(tmp_path, {"tenants/acme.yaml": f"{ACME}legal_hold: {written}\n"})
    assert load_tenant(root / "tenants/acme.yaml").legal_hold == read


@pytest.mark.parametrize("line", ["offboarding: gone", "legal_hold: 7", "legal_hold: []"])
def test_what_is_neither_is_refused(tmp_path: Path, line: str) -> None:
    root = write_estate(tmp_path, {"tenants/acme.yaml": f"{ACME}{line}\n"})
    with pytest.raises(InvalidInput):
        load_tenant(root / "tenants/acme.yaml")
