"""Only what is the tenant's loses its protection, and a hard tenant's audit records never do."""

from __future__ import annotations

from typing import Any

from onboarding.leaving_state import inside, lifted
from tests.onboarding.exports import export, resource

TENANT = "tenancy:aws:Tenant"
BUCKET = f"{TENANT}$aws:s3/bucket:Bucket"
AUDIT = "tenancy:aws:AuditTrail$tenancy:aws:FencedBucket"


def held(types: str, name: str, parent: dict[str, Any]) -> dict[str, Any]:
    return resource(types, name, parent=parent["urn"], protect=True, retainOnDelete=True)


def estate() -> dict[str, Any]:
    acme, globex = resource(TENANT, "acme"), resource(TENANT, "globex")
    audit = resource(AUDIT, "foundation-audit-bucket")
    return export(
        acme,
        globex,
        held(BUCKET, "acme-bucket", acme),
        held(BUCKET, "globex-bucket", globex),
        audit,
        held(f"{AUDIT}$aws:s3/bucket:Bucket", "foundation-audit-bucket-bucket", audit),
        resource(f"{AUDIT}$aws:s3/bucketPolicy:BucketPolicy", "policy", parent=audit["urn"]),
    )


def by_name(state: dict[str, Any]) -> dict[str, tuple[bool, bool]]:
    return {
        one["urn"].rpartition("::")[2]: (
            one.get("protect", False),
            one.get("retainOnDelete", False),
        )
        for one in state["deployment"]["resources"]
    }


def test_what_is_inside_a_tenant_is_all_below_its_component() -> None:
    names = {urn.rpartition("::")[2] for urn in inside(estate()["deployment"]["resources"], "acme")}
    assert names == {"acme", "acme-bucket"}


def test_of_a_shared_stack_only_the_tenants_part_is_lifted() -> None:
    before = estate()
    after = by_name(lifted(before, "acme", whole=False))
    assert after["acme-bucket"] == (False, False)
    assert after["globex-bucket"] == (True, True)
    assert after["foundation-audit-bucket-bucket"] == (True, True)
    assert by_name(before)["acme-bucket"] == (True, True), "the given state was changed"


def test_of_a_whole_stack_the_audit_bucket_stays_in_the_cloud_with_all_that_is_on_it() -> None:
    after = by_name(lifted(estate(), "acme", whole=True))
    assert after["acme-bucket"] == (False, False)
    assert after["foundation-audit-bucket-bucket"] == (False, True)
    assert after["policy"] == (False, True), "its policy would be deleted"
