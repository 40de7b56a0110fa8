"""The number of a vended account is written once, where the tenant's stack finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from onboarding import vending
from onboarding.errors import Refused
from tenancy.estate import load_estate
from tenancy.organization import OrganizationPlan
from tests.estates import write_estate
from tests.onboarding.exports import resource, state
from tests.tenancy.test_estate import VENDING

ACCOUNT = "555555555555"
FILE = "Pulumi.prod-initech.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_estate(tmp_path, VENDING)


def plan(root: Path) -> OrganizationPlan:
    (found,) = load_estate(root).organizations
    return found


def test_it_is_read_from_the_state_of_the_organizations_stack() -> None:
    told = {"tenant": "initech", "account_id": ACCOUNT}
    found = state(
        resource(vending.VENDED_TYPE, "initech", outputs=told),
        resource(vending.VENDED_TYPE, "half-made"),
    )
    assert vending.vended_in(found) == {"initech": ACCOUNT}


@pytest.mark.parametrize(
    "before",
    [
        None,
        "encryptionsalt: v1:abc=:v1:def\n",
        "config:\n  tenancy:other: 1\nencryptionsalt: v1:abc\n",
    ],
)
def test_it_is_written_once_beside_what_is_there(root: Path, before: str | None) -> None:
    if before is not None:
        (root / FILE).write_text(before)
    assert vending.write_down(root, plan(root), {"initech": ACCOUNT}) == (FILE,)
    assert load_estate(root).plan("prod-initech").account_id == ACCOUNT
    written = (root / FILE).read_text()
    assert all(line in written for line in (before or "").splitlines())
    assert vending.write_down(root, plan(root), {"initech": ACCOUNT}) == ()
    assert (root / FILE).read_text() == written


def test_another_number_is_refused_and_stays(root: Path) -> None:
    vending.write_down(root, plan(root), {"initech": ACCOUNT})
    with pytest.raises(Refused, match="vended 666666666666"):
        vending.write_down(root, plan(root), {"initech": "666666666666"})
    assert ACCOUNT in (root / FILE).read_text()


def test_what_was_not_vended_is_not_written(root: Path) -> None:
    assert vending.write_down(root, plan(root), {}) == ()
    assert not (root / FILE).exists()
