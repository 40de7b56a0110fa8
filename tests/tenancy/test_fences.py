"""Fences: constant in size, and closed to whoever carries no tag or another tenant's."""

from tenancy.fences import Fence, platform_principals
from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import Names

NAMES = Names("lakehouse", "prod", "222222222222", "us-east-1")
PLATFORM = platform_principals(NAMES, ["arn:aws:iam::222222222222:role/deployer"])
SHARED = Fence(NAMES, "lake", PLATFORM, tenant=None)
OWN = Fence(NAMES, "lake", PLATFORM, tenant="acme")


def by_sid(statements: tuple[Statement, ...]) -> dict[str, Statement]:
    return {statement.sid: statement for statement in statements}


def test_a_bucket_policy_only_denies() -> None:
    assert {s.effect for fence in (SHARED, OWN) for s in fence.bucket_statements()} == {"Deny"}


def test_plain_http_is_denied_to_everybody_even_the_platform() -> None:
    statement = by_sid(SHARED.bucket_statements())["DenyWithoutTls"]
    assert statement.conditions == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement.resources == ("arn:aws:s3:::lake", "arn:aws:s3:::lake/*")


def test_the_shared_bucket_is_closed_to_a_caller_without_a_tag() -> None:
    for statements in (SHARED.bucket_statements(), SHARED.key_statements()):
        stranger = by_sid(statements)["DenyStrangers"]
        assert stranger.conditions["Null"] == {"aws:PrincipalTag/tenant": "true"}


def test_the_shared_bucket_tells_tenants_apart_by_the_callers_tag() -> None:
    statements = by_sid(SHARED.bucket_statements())
    own = "arn:aws:s3:::lake/${aws:PrincipalTag/tenant}/*"
    assert statements["DenyForeignObjects"].not_resources == ("arn:aws:s3:::lake", own)
    listing = statements["DenyForeignListing"].conditions["StringNotLike"]
    assert listing == {"s3:prefix": "${aws:PrincipalTag/tenant}/*"}
    context = by_sid(SHARED.key_statements())["DenyForeignContext"].conditions["StringNotLike"]
    assert context == {"kms:EncryptionContext:aws:s3:arn": own}


def test_a_tenants_own_bucket_and_key_are_closed_to_other_tags() -> None:
    for statements in (OWN.bucket_statements(), OWN.key_statements()):
        stranger = by_sid(statements)["DenyStrangers"]
        assert stranger.conditions["StringNotEquals"] == {"aws:PrincipalTag/tenant": "acme"}


def test_only_the_platform_and_the_deployer_pass() -> None:
    for statement in (*SHARED.bucket_statements(), *OWN.bucket_statements()):
        passing = statement.conditions.get("ArnNotLike", {}).get("aws:PrincipalArn", ())
        assert set(passing) <= {
            "arn:aws:iam::222222222222:role/lakehouse-prod/platform/*",
            "arn:aws:iam::222222222222:role/deployer",
        }


def test_the_policies_stay_of_constant_size() -> None:
    longer = Fence(NAMES, "lake", PLATFORM, tenant="a" * 20)
    growth = len(render(longer.bucket_statements(), PolicyKind.BUCKET)) - len(
        render(OWN.bucket_statements(), PolicyKind.BUCKET)
    )
    assert growth == 3 * (20 - len("acme"))
    assert len(render(SHARED.bucket_statements(), PolicyKind.BUCKET)) < PolicyKind.BUCKET.limit / 5
