"""Reading exported states, and what a summary makes of them."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from onboarding.state import StackState, split_urn
from onboarding.summary import StackSummary, show, tenants_of
from tests.onboarding.exports import creating, export, resource, state

SUMMARY: dict[str, Any] = {
    "runs": "lakehouse-local--acme--run",
    "audit": "s3://audit/records/acme/",
    "tenant": "acme",
    "tier": "soft",
    "account": "123456789012",
    "region": "us-east-1",
    "storage": "s3://lakehouse-local--shared--123456789012-data/acme/",
    "databases": ["lakehouse_local__shared__lakehouse"],
    "tables": ["acme__event_stream"],
    "roles": [
        "arn:aws:iam::123456789012:role/lakehouse-local/tenant/lakehouse-local--acme--reader"
    ],
    "endpoints": {},
}
CLOUD = "http://127.0.0.1:4566"
TENANT = resource("tenancy:aws:Tenant", "acme", outputs={"summary": SUMMARY})
IAM = resource("tenancy:aws:Tenant$tenancy:aws:TenantIAM", "acme-iam", parent=TENANT["urn"])
ROLE = resource("tenancy:aws:Tenant$x$aws:iam/role:Role", "acme-iam-reader", parent=IAM["urn"])
OTHERS = resource("aws:iam/role:Role", "platform-admin")
PROVIDER = resource("pulumi:providers:aws", "platform")


def test_a_urn_is_split_at_its_last_type_and_its_name_kept_whole() -> None:
    urn = "urn:pulumi:local::tenancy::a:b:C$aws:iam/role:Role::name::with colons"
    assert split_urn(urn) == ("aws:iam/role:Role", "name::with colons")


def test_an_export_of_a_stack_without_resources_is_an_empty_state() -> None:
    assert StackState.of({"version": 3, "deployment": {"manifest": {"time": "t"}}}).resources == ()


def test_pending_operations_are_told_with_their_urn() -> None:
    assert state(pending=(creating(ROLE),)).pending == (f"creating {ROLE['urn']}",)


def test_things_in_the_cloud_are_counted_below_their_tenant_only() -> None:
    found = state(TENANT, IAM, ROLE, OTHERS, PROVIDER)
    assert {r.name for r in found.in_cloud} == {"acme-iam-reader", "platform-admin"}
    (summary,) = tenants_of("local", found, CLOUD)
    assert (summary.tenant, summary.resources, summary.stack) == ("acme", 1, "local")
    assert summary.roles == tuple(SUMMARY["roles"])


def test_a_tenant_that_was_created_half_has_no_summary() -> None:
    assert tenants_of("local", state(resource("tenancy:aws:Tenant", "acme")), CLOUD) == ()


def test_when_a_state_was_written_is_known() -> None:
    assert StackState.of(export()).updated == "2026-03-01T10:00:00.5Z"


def test_no_name_is_cut_on_a_narrow_output_and_no_colour_leaks() -> None:
    output = io.StringIO()
    stack = StackSummary("local", {"create": 1, "same": 4}, 2, (), 1.25)
    show(Console(file=output, width=20), tenants_of("local", state(TENANT), CLOUD), [stack])
    assert SUMMARY["storage"] in output.getvalue()
    assert "stack local: 1 change (1 create), 2 resources, 1.2 s" in output.getvalue()
    assert "\x1b[" not in output.getvalue()


def test_sames_are_no_changes() -> None:
    assert StackSummary("local", {"same": 4}, 1, (), 0.5).line() == (
        "stack local: 0 changes, 1 resource, 0.5 s"
    )
