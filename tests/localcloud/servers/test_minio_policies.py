"""The program's grants, as MinIO is given them."""

from localcloud.paths import PROJECT_ROOT
from localcloud.servers.minio_policies import minio_policy
from tenancy.access import role_statements
from tenancy.estate import load_estate
from tenancy.leaving import SUSPENDED
from tenancy.names import RoleKind


def test_all_of_a_roles_statements_on_storage_are_there_and_nothing_is_widened() -> None:
    for stack in load_estate(PROJECT_ROOT).stacks:
        for settings in stack.tenants:
            for kind in RoleKind:
                granted = role_statements(settings, kind)
                given = {each["Sid"]: each for each in minio_policy(granted)["Statement"]}
                assert set(given) == {"Objects", "Listing", "Location"}
                for statement in granted:
                    if statement.sid in given:
                        shown = given[statement.sid]
                        assert shown["Action"] == list(statement.actions)
                        assert shown["Resource"] == list(statement.resources)
                prefixes = given["Listing"]["Condition"]["StringLike"]["s3:prefix"]
                assert all(prefix.startswith(f"{settings.id}/") for prefix in prefixes)
                assert "ResourceAccount" not in str(given)


def test_what_is_denied_of_everything_is_denied_of_all_of_s3() -> None:
    (denied,) = minio_policy(SUSPENDED)["Statement"]
    assert (denied["Effect"], denied["Action"], denied["Resource"]) == (
        "Deny",
        ["s3:*"],
        ["arn:aws:s3:::*"],
    )
