"""No edit of a file deletes or moves what is deployed."""

from __future__ import annotations

import pytest

from tests.integration import inventory
from tests.integration.checkout import Checkout

HARD = 'isolation: hard\naccount_id: "444444444444"\nregion: us-east-1\n'

EDITS = [
    pytest.param("acme", "isolation: soft", "isolation: medium", "isolation.tier", id="tier up"),
    pytest.param("newcorp", "environment: prod", HARD, "isolation.tier", id="to hard"),
    pytest.param(
        "colorado-state", "isolation: medium", "isolation: soft", "isolation.tier", id="tier down"
    ),
    pytest.param("federal-dhs", '"210987654321"', '"555555555555"', "account_id", id="account"),
    pytest.param("federal-dhs", "us-east-1", "us-west-2", "region", id="region"),
    pytest.param("newcorp", "environment: prod", "environment: dev", "environment", id="env"),
    pytest.param(
        "globex",
        "isolation: soft",
        "isolation: {tier: soft, storage: medium}",
        "isolation.storage",
        id="storage",
    ),
]


@pytest.mark.parametrize(("tenant", "old", "new", "field"), EDITS)
def test_a_change_of_what_may_not_change_is_refused(
    deployed: Checkout, tenant: str, old: str, new: str, field: str
) -> None:
    name = f"tenants/{tenant}.yaml"
    content = deployed.read(name)
    assert old in content
    with deployed.edited(name, content.replace(old, new)):
        told = deployed.refused_up()
    assert f"{name}: {field}: " in told
    assert f"tenant {tenant} is deployed with" in told


def test_a_change_of_the_platforms_region_is_refused(deployed: Checkout) -> None:
    name = "Pulumi.local.yaml"
    content = deployed.read(name)
    with deployed.edited(name, content.replace("region: us-east-1", "region: us-west-2", 1)):
        told = deployed.refused_up()
    assert f"{name}: tenancy:environment.region: tenant acme is deployed with region" in told


@pytest.mark.parametrize("tenant", ["acme", "newcorp", "federal-dhs"])
def test_a_tenant_whose_file_is_gone_is_not_removed(deployed: Checkout, tenant: str) -> None:
    with deployed.edited(f"tenants/{tenant}.yaml", None):
        assert tenant in deployed.refused_up()


@pytest.mark.parametrize(
    ("tenant", "stack", "account"),
    [("acme", "local", None), ("federal-dhs", "local-federal-dhs", "210987654321")],
)
def test_a_plain_up_without_a_tenants_file_fails_at_its_preview(
    deployed: Checkout, tenant: str, stack: str, account: str | None
) -> None:
    before = inventory.account_of(deployed, account)
    with deployed.edited(f"tenants/{tenant}.yaml", None):
        plain = deployed.pulumi("up", "--yes", "--stack", stack)
    assert plain.returncode != 0
    said = plain.stdout + plain.stderr
    assert "Previewing update" in said
    assert "Updating (" not in said, "it went past its preview"
    assert "Traceback" not in said
    assert inventory.account_of(deployed, account) == before


def test_a_plain_up_after_a_change_of_tier_fails_at_its_preview(deployed: Checkout) -> None:
    content = deployed.read("tenants/newcorp.yaml")
    soft = content.replace("environment: prod", "environment: prod\nisolation: soft")
    before = inventory.account_of(deployed)
    with deployed.edited("tenants/newcorp.yaml", soft):
        plain = deployed.pulumi("up", "--yes", "--stack", "local")
    assert plain.returncode != 0
    assert "protected" in plain.stdout + plain.stderr
    assert "Updating (" not in plain.stdout + plain.stderr, "it went past its preview"
    assert inventory.account_of(deployed) == before


def test_a_refusal_starts_no_cloud(deployed: Checkout) -> None:
    """Bad files are refused before anything runs: nobody's cloud is started for nothing."""
    with deployed.edited(
        "tenants/acme.yaml", "tenant: acme\ncontact: a@acme.example\ntire: soft\n"
    ):
        told = deployed.refused_up(code=2)
    assert "tenants/acme.yaml: tire" in told
