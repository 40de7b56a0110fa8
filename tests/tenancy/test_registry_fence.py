"""The registry's fence: services read it, who deploys writes it, and no tenant passes."""

import pytest

from tenancy.grants import PolicyKind, render
from tenancy.names import PLATFORM, Names, RoleKind, ServiceKind
from tenancy.registry_fence import (
    RegistryFence,
    registry_readers,
    registry_statements,
)
from tenancy.services import service_boundary_statements
from tests.tenancy.test_audit import denied

ACCOUNT = "222222222222"
NAMES = Names("lakehouse", "prod", ACCOUNT, "us-east-1")
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deployer"
FENCE = RegistryFence(NAMES, PLATFORM, (DEPLOYER,))
HARD = RegistryFence(NAMES, "initech", (DEPLOYER,))
ADMIN = NAMES.role_arn(PLATFORM, RoleKind.ADMIN)
GATEWAY = NAMES.service_role_arn(PLATFORM, ServiceKind.GATEWAY)
NESSIE = NAMES.service_role_arn(PLATFORM, ServiceKind.NESSIE)
OF_A_TENANT = (
    *(NAMES.role_arn("initech", kind) for kind in RoleKind),
    NAMES.auditor_role_arn("initech"),
    NAMES.service_role_arn("initech", ServiceKind.NESSIE),
)


def refused(fence: RegistryFence, action: str, who: str, tenant: str | None = None) -> bool:
    """Whether the bucket denies a call, whatever the caller is granted."""
    bucket = f"arn:aws:s3:::{fence.bucket}"
    place = bucket if action == "s3:ListBucket" else f"{bucket}/tenants/initech.json"
    return denied(fence.bucket_statements(), action, place, who, tenant=tenant)


@pytest.mark.parametrize("fence", [FENCE, HARD], ids=["platform", "hard"])
@pytest.mark.parametrize("who", OF_A_TENANT)
def test_no_principal_of_a_tenant_passes_not_even_in_its_own_account(
    fence: RegistryFence, who: str
) -> None:
    for action in ("s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"):
        assert refused(fence, action, who, "initech")
    assert denied(fence.key_statements(), "kms:Decrypt", "*", who, tenant="initech")


@pytest.mark.parametrize("fence", [FENCE, HARD], ids=["platform", "hard"])
def test_services_that_serve_tenants_read_and_nothing_else(fence: RegistryFence) -> None:
    readers = registry_readers(NAMES, fence.owner)
    assert len(readers) == (4 if fence is FENCE else 3)
    for who in readers:
        assert not refused(fence, "s3:GetObject", who)
        assert not refused(fence, "s3:ListBucket", who)
        assert not denied(fence.key_statements(), "kms:Decrypt", "*", who)
        for action in ("s3:PutObject", "s3:DeleteObjectVersion", "s3:PutObjectTagging"):
            assert refused(fence, action, who), action


def test_who_deploys_writes_and_an_administrator_looks() -> None:
    assert not refused(FENCE, "s3:PutObject", DEPLOYER)
    assert not refused(FENCE, "s3:GetObjectVersion", ADMIN)
    assert refused(FENCE, "s3:PutObject", ADMIN)
    for who in (NESSIE, f"arn:aws:iam::{ACCOUNT}:role/somebody"):
        assert refused(FENCE, "s3:GetObject", who)


def test_a_grant_names_one_bucket_one_prefix_and_one_key() -> None:
    entries, listing, key = registry_statements(NAMES, PLATFORM)
    bucket = f"arn:aws:s3:::lakehouse-prod--platform--{ACCOUNT}-regs"
    assert (entries.actions, entries.resources) == (("s3:GetObject",), (f"{bucket}/tenants/*",))
    assert (listing.actions, listing.resources) == (("s3:ListBucket",), (bucket,))
    assert listing.conditions["StringEquals"]["s3:prefix"] == "tenants/"
    assert key.conditions["ForAnyValue:StringEquals"] == {
        "kms:ResourceAliases": "alias/lakehouse-prod--platform--registry"
    }
    assert key.conditions["StringEquals"]["kms:EncryptionContext:aws:s3:arn"] == bucket


def test_the_boundary_of_services_lets_them_read_their_accounts_registry_and_write_none() -> None:
    for owner, account_owner, reads in (
        (PLATFORM, PLATFORM, True),
        ("initech", "initech", True),
        ("newcorp", PLATFORM, False),
    ):
        statements = service_boundary_statements(NAMES, owner, account_owner)
        place = f"arn:aws:s3:::{NAMES.registry_bucket(account_owner)}/tenants/*"
        allowing = [s for s in statements if s.effect == "Allow" and place in s.resources]
        assert [s.actions for s in allowing] == ([("s3:GetObject",)] if reads else [])
        (storage,) = [s for s in statements if s.sid == "DenyForeignStorage"]
        assert (place in storage.not_resources) is reads


def test_the_longest_names_keep_its_policies_within_their_limits() -> None:
    longest = Names("p" * 32, "abcdefghijkl", ACCOUNT, "ap-southeast-2")
    fence = RegistryFence(longest, "a" * 20, [f"arn:aws:iam::{ACCOUNT}:role/{'d' * 64}"] * 5)
    assert len(fence.bucket) <= 63
    render(fence.bucket_statements(), PolicyKind.BUCKET)
    render(fence.key_statements(), PolicyKind.KEY)
