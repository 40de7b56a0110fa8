"""Grants and boundaries: within the limits for the longest names, never beyond the tenant."""

import json
from pathlib import Path

import pytest

from tenancy.access import boundary_statements, role_statements, sees_restricted
from tenancy.administration import administrator_statements
from tenancy.estate import load_estate
from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import RoleKind
from tenancy.settings import TenantSettings
from tests.estates import ENVIRONMENT, write_estate

LONG = "a" * 20
LONGEST = {
    "Pulumi.prod.yaml": None,
    "Pulumi.abcdefghijkl.yaml": ENVIRONMENT.format(name="abcdefghijkl", account="222222222222")
    .replace("project: lakehouse", f"project: {'p' * 32}")
    .replace("region: us-east-1", "region: ap-southeast-2"),
    **{f"tenants/{name}.yaml": None for name in ("acme", "globex", "initech")},
    f"tenants/{LONG}.yaml": f"tenant: {LONG}\ncontact: a@b.example\nenvironment: abcdefghijkl\n",
}


@pytest.fixture(params=["soft", "medium"])
def longest(request: pytest.FixtureRequest, tmp_path: Path) -> TenantSettings:
    """The tenant with the longest names that the model takes, in each tier."""
    root = write_estate(tmp_path, LONGEST)
    file = root / "tenants" / f"{LONG}.yaml"
    file.write_text(file.read_text() + f"isolation: {request.param}\n")
    (settings,) = load_estate(root).stack("abcdefghijkl").tenants
    return settings


def test_the_longest_names_keep_every_policy_within_its_limit(longest: TenantSettings) -> None:
    render(boundary_statements(longest), PolicyKind.MANAGED)
    render(administrator_statements(longest.names), PolicyKind.MANAGED)
    for kind in RoleKind:
        render(role_statements(longest, kind), PolicyKind.INLINE)


@pytest.mark.parametrize("kind", list(RoleKind))
def test_only_a_reader_is_kept_from_restricted_columns(
    kind: RoleKind, longest: TenantSettings
) -> None:
    granted = json.dumps([statement.to_json() for statement in role_statements(longest, kind)])
    assert ("/restricted/" in granted) is sees_restricted(kind)
    assert sees_restricted(kind) is (kind is not RoleKind.READER)


def by_sid(statements: tuple[Statement, ...]) -> dict[str, Statement]:
    return {statement.sid: statement for statement in statements}


def test_a_boundary_denies_the_control_plane_and_foreign_storage(longest: TenantSettings) -> None:
    boundary = by_sid(boundary_statements(longest))
    assert boundary["DenyControlPlane"].not_actions == ("s3:*", "kms:*", "glue:*")
    assert boundary["DenyControlPlane"].resources == ("*",)
    own = boundary["DenyForeignStorage"].not_resources
    assert own[1].endswith(f"/{LONG}/*")


def test_a_boundary_holds_all_that_its_roles_are_granted(longest: TenantSettings) -> None:
    boundary = by_sid(boundary_statements(longest))
    for kind in RoleKind:
        for statement in role_statements(longest, kind):
            assert set(statement.actions) <= set(boundary[statement.sid].actions)
            assert set(statement.resources) <= set(boundary[statement.sid].resources)


def test_nobody_lists_uploads_which_would_show_every_tenants_keys(longest: TenantSettings) -> None:
    for kind in RoleKind:
        for statement in role_statements(longest, kind):
            assert "s3:ListBucketMultipartUploads" not in statement.actions
            if set(statement.actions) & {"s3:ListBucket", "s3:ListBucketVersions"}:
                assert "s3:prefix" in statement.conditions["StringLike"]


def test_the_use_of_a_key_is_bound_to_its_alias(longest: TenantSettings) -> None:
    for kind in RoleKind:
        key = by_sid(role_statements(longest, kind))["Key"]
        bound = key.conditions["ForAnyValue:StringEquals"]["kms:ResourceAliases"]
        assert bound == longest.storage.key_alias
