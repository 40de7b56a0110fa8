"""What an account's registry says of each tenant."""

import json
from pathlib import Path
from typing import Any

from tenancy.estate import load_estate
from tenancy.registry import entry, key
from tests.estates import FILES, write_estate


def entries(root: Path, **changed: str) -> dict[str, Any]:
    """Tenant -> its entry, of the small estate with some tenants' files changed."""
    files = {f"tenants/{tenant}.yaml": text for tenant, text in changed.items()}
    stacks = load_estate(write_estate(root, files)).stacks
    return {one.id: json.loads(entry(one)) for stack in stacks for one in stack.tenants}


def test_each_service_is_told_of_whom_it_serves(tmp_path: Path) -> None:
    told = entries(tmp_path)
    assert {tenant: set(one) for tenant, one in told.items()} == {
        "acme": {"audit", "catalog", "runs"},
        "globex": {"audit", "runs"},  # its Nessie is its own
        "initech": {"audit", "runs"},
    }
    assert told["acme"]["catalog"] == {
        "warehouse": "s3://lakehouse-prod--shared--222222222222-data/acme/lakehouse/metadata/",
        "restricted": "s3://lakehouse-prod--shared--222222222222-data/acme/restricted/metadata/",
    }
    assert told["acme"]["runs"]["task_family"] == "lakehouse-prod--acme--run"


def test_of_a_suspended_tenant_only_the_audit_goes_on(tmp_path: Path) -> None:
    told = entries(tmp_path, acme=f"{FILES['tenants/acme.yaml']}offboarding: suspended\n")
    assert set(told["acme"]) == {"audit"}


def test_a_key_is_of_one_tenant() -> None:
    assert key("acme") == "tenants/acme.json"
