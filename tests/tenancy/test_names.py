"""Names: within every limit, of two tenants never the same nor in one another's patterns."""

import re
from fnmatch import fnmatchcase

from hypothesis import assume, given
from hypothesis import strategies as st

from tenancy.names import PLATFORM, PREFIX_LIMIT, SHARED, Names, RoleKind, shortened

# Few letters, so that one id is often the start of another, which is where patterns go wrong.
WORD = st.text("ab1", min_size=1, max_size=5)
LETTER = st.sampled_from("ab")


def dashed(most: int) -> st.SearchStrategy[str]:
    """Words joined by single hyphens, starting with a letter, of at most ``7 + 6 * most``."""
    words = st.lists(WORD, min_size=1, max_size=most).map("-".join)
    return st.builds("{}{}".format, LETTER, words)


TENANTS = st.just("a" * 20) | dashed(3).map(lambda id_: id_ if len(id_) > 2 else id_ * 2)
OWNERS = TENANTS | st.sampled_from([SHARED, PLATFORM])
ENVIRONMENTS = st.builds(
    Names,
    project=dashed(5),
    environment=st.builds("{}{}".format, LETTER, st.text("ab1", min_size=1, max_size=11)),
    account_id=st.text("0123456789", min_size=12, max_size=12),
    region=st.sampled_from(["us-east-1", "us-gov-west-1", "eu-central-1"]),
)


def every_name(names: Names, owner: str) -> list[str]:
    return [
        names.bucket(owner),
        names.key_alias(owner),
        names.database(owner),
        names.boundary(owner),
        names.boundary_arn(owner),
        *(names.role(owner, kind) for kind in RoleKind),
        *(names.role_arn(owner, kind) for kind in RoleKind),
    ]


@given(ENVIRONMENTS, OWNERS)
def test_names_keep_every_limit_of_the_provider(names: Names, owner: str) -> None:
    assert 3 <= len(names.bucket(owner)) <= 63
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*[a-z0-9]", names.bucket(owner))
    assert not names.bucket(owner).endswith(("-s3alias", "--ol-s3", "--x-s3", "-mrap"))
    assert all(len(names.role(owner, kind)) <= 64 for kind in RoleKind)
    assert len(names.boundary(owner)) <= 128
    assert len(names.key_alias(owner)) <= 256
    assert re.fullmatch(r"[a-z0-9_]{1,255}", names.database(owner))


@given(ENVIRONMENTS, OWNERS, OWNERS)
def test_names_of_two_owners_never_collide(names: Names, one: str, other: str) -> None:
    assume(one != other)
    assert not set(every_name(names, one)) & set(every_name(names, other))


@given(ENVIRONMENTS, TENANTS, TENANTS, WORD)
def test_no_pattern_of_a_tenant_matches_the_names_of_another(
    names: Names, one: str, other: str, key: str
) -> None:
    assume(one != other)
    shared = names.bucket(SHARED)
    own = names.objects_arn(shared, f"{one}/")
    assert not fnmatchcase(f"{names.bucket_arn(shared)}/{other}/{key}", own)
    assert fnmatchcase(f"{names.bucket_arn(shared)}/{one}/{key}", own)
    assert not fnmatchcase(names.table_prefix(other) + key, names.table_prefix(one) + "*")


@given(ENVIRONMENTS, ENVIRONMENTS, TENANTS)
def test_names_of_two_environments_never_collide(a: Names, b: Names, tenant: str) -> None:
    assume((a.project, a.environment) != (b.project, b.environment))
    assert a.role(tenant, RoleKind.READER) != b.role(tenant, RoleKind.READER)


def test_a_long_prefix_is_cut_and_told_apart_by_a_stable_hash() -> None:
    long = "emergency-management-lakehouse-prod"
    assert shortened(long, PREFIX_LIMIT) == "emergency-man-829da368"
    assert shortened("lakehouse-prod", PREFIX_LIMIT) == "lakehouse-prod"


def test_run_roles_are_alone_under_their_path() -> None:
    names = Names("lakehouse", "prod", "222222222222", "us-east-1")
    paths = {kind: names.role_path("acme", kind) for kind in RoleKind}
    assert paths.pop(RoleKind.RUN) == "/lakehouse-prod/run/"
    assert set(paths.values()) == {"/lakehouse-prod/tenant/"}
    assert names.role_path(PLATFORM, RoleKind.ADMIN) == "/lakehouse-prod/platform/"


def test_government_regions_have_their_partition() -> None:
    names = Names("lakehouse", "prod", "222222222222", "us-gov-west-1")
    assert names.role_arn("acme", RoleKind.READER).startswith("arn:aws-us-gov:iam::222222222222:")
    assert names.bucket_arn("b") == "arn:aws-us-gov:s3:::b"
    assert Names("lakehouse", "prod", "222222222222", "cn-north-1").partition == "aws-cn"
    assert Names("lakehouse", "prod", "222222222222", "eu-central-1").partition == "aws"


def test_a_few_names_of_services_are_others_in_china() -> None:
    china = Names("lakehouse", "prod", "222222222222", "cn-north-1")
    assert china.endpoint_service("ecr.api") == "cn.com.amazonaws.cn-north-1.ecr.api"
    assert china.endpoint_service("logs") == "com.amazonaws.cn-north-1.logs"
    assert china.logs_principal == "logs.cn-north-1.amazonaws.com.cn"
    assert china.via("s3") == ("s3.cn-north-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn")
    government = Names("lakehouse", "prod", "222222222222", "us-gov-west-1")
    assert government.endpoint_service("ecr.api") == "com.amazonaws.us-gov-west-1.ecr.api"
    assert government.logs_principal == "logs.amazonaws.com"
    assert government.via("s3") == "s3.us-gov-west-1.amazonaws.com"
