"""Endpoint policies: a network's callers are its owner's, and what they reach is as well."""

from fnmatch import fnmatchcase

import pytest

from tenancy.endpoints import Endpoint, Perimeter
from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import PLATFORM, Names

ACCOUNT = "444444444444"
NAMES = Names("lakehouse", "prod", ACCOUNT, "us-east-1")
LONGEST = Names("a" * 32, "b" * 12, ACCOUNT, "ap-southeast-3")
REGISTRIES = ("222222222222", ACCOUNT)
LAYERS = "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"


def endpoints(names: Names, owner: str) -> tuple[Endpoint, ...]:
    perimeter = Perimeter(names, owner, REGISTRIES)
    return (perimeter.s3, *perimeter.interfaces)


def statements(owner: str) -> list[tuple[str, Statement]]:
    return [(e.service, s) for e in endpoints(NAMES, owner) for s in e.statements]


def keys(statement: Statement) -> dict[str, str | tuple[str, ...]]:
    return {key: value for block in statement.conditions.values() for key, value in block.items()}


@pytest.mark.parametrize("owner", [PLATFORM, "initech"])
def test_all_but_the_layers_of_images_is_for_callers_of_the_account(owner: str) -> None:
    for service, statement in statements(owner):
        if statement.resources == (LAYERS,):
            assert (service, statement.actions) == ("s3", ("s3:GetObject",))
        else:
            condition = {"aws:PrincipalAccount": ACCOUNT}
            assert condition.items() <= statement.conditions["StringEquals"].items(), service


def test_a_hard_tenants_endpoints_name_the_tenant_among_their_callers() -> None:
    for service, statement in statements("initech"):
        if statement.resources == (LAYERS,):
            continue
        found = keys(statement)
        roles = found.get("aws:PrincipalArn", ())
        assert found.get("aws:PrincipalTag/tenant") == "initech" or (
            service.startswith("ecr.") and roles and all("--initech--" in role for role in roles)
        ), service


def test_roles_of_another_tenant_pull_no_image_through_a_hard_tenants_endpoint() -> None:
    (pull,) = [s for e, s in statements("initech") if e == "ecr.dkr" and s.sid == "Pull"]
    patterns = keys(pull)["aws:PrincipalArn"]
    own = (NAMES.service_role_arn("initech", "execution"), NAMES.run_execution_role_arn("initech"))
    other = (
        NAMES.service_role_arn("initech-two", "execution"),
        NAMES.run_execution_role_arn("initech-two"),
    )
    assert all(any(fnmatchcase(role, pattern) for pattern in patterns) for role in own)
    assert not any(fnmatchcase(role, pattern) for role in other for pattern in patterns)


@pytest.mark.parametrize("owner", [PLATFORM, "initech"])
def test_s3_is_reached_for_the_owners_buckets_in_its_account_only(owner: str) -> None:
    (buckets,) = [s for e, s in statements(owner) if e == "s3" and s.resources != (LAYERS,)]
    assert keys(buckets)["aws:ResourceAccount"] == ACCOUNT
    bucket = NAMES.bucket("initech" if owner == "initech" else "shared")
    reached = [
        arn
        for arn in (
            NAMES.bucket_arn(bucket),
            f"{NAMES.bucket_arn(bucket)}/key",
            "arn:aws:s3:::lakehouse-dev--shared--444444444444-data/key",
            f"{NAMES.bucket_arn(NAMES.bucket('initech-two'))}/key",
            f"{NAMES.bucket_arn(NAMES.bucket('initech'))}-copy/key",
            "arn:aws:s3:::elsewhere",
        )
        if any(fnmatchcase(arn, pattern) for pattern in buckets.resources)
    ]
    own = [NAMES.bucket_arn(bucket), f"{NAMES.bucket_arn(bucket)}/key"]
    # All tenants of the platform's account are in the platform's network.
    others = [
        f"{NAMES.bucket_arn(NAMES.bucket('initech-two'))}/key",
        f"{NAMES.bucket_arn(NAMES.bucket('initech'))}-copy/key",
    ]
    assert reached == own + (others if owner == PLATFORM else [])


@pytest.mark.parametrize("owner", [PLATFORM, "initech"])
def test_no_resource_is_everything_without_a_condition_on_the_account(owner: str) -> None:
    everything = [(e, s) for e, s in statements(owner) if "*" in s.resources]
    assert {(service, statement.actions) for service, statement in everything} == {
        ("ecr.api", ("ecr:GetAuthorizationToken",)),
        ("ecr.dkr", ("ecr:GetAuthorizationToken",)),
        ("ecs", ("ecs:*",)),
    }
    assert all(keys(s)["aws:PrincipalAccount"] == ACCOUNT for _, s in everything)


@pytest.mark.parametrize("owner", [PLATFORM, "initech"])
def test_regional_resources_are_the_accounts_or_a_registrys(owner: str) -> None:
    for service, statement in statements(owner):
        for resource in set(statement.resources) - {"*"}:
            account = resource.split(":")[4]
            allowed = {""} if service == "s3" else {ACCOUNT}
            assert account in (set(REGISTRIES) if service.startswith("ecr.") else allowed)


@pytest.mark.parametrize("owner", [PLATFORM, "initech"])
def test_no_pattern_has_a_star_in_its_middle(owner: str) -> None:
    for _, statement in statements(owner):
        values = [
            single
            for value in keys(statement).values()
            for single in (value if isinstance(value, tuple) else (value,))
        ]
        for pattern in (*statement.resources, *values):
            assert "*" not in pattern[:-1], pattern


@pytest.mark.parametrize("owner", [PLATFORM, "a" * 20])
def test_every_policy_fits_at_the_longest_names(owner: str) -> None:
    for endpoint in endpoints(LONGEST, owner):
        assert len(render(endpoint.statements, PolicyKind.ENDPOINT)) < PolicyKind.ENDPOINT.limit / 5


@pytest.mark.parametrize("owner", [PLATFORM, "initech"])
def test_both_endpoints_of_ecr_have_the_same_policy(owner: str) -> None:
    policies = {e.service: e.statements for e in endpoints(NAMES, owner)}
    assert policies["ecr.api"] == policies["ecr.dkr"]


def test_a_hard_tenants_secrets_are_its_own_and_the_database_masters() -> None:
    (secrets,) = [s for e, s in statements("initech") if e == "secretsmanager"]
    prefix = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret"
    secret = f"{prefix}:lakehouse-prod/initech/nessie-AbCdEf"
    assert any(fnmatchcase(secret, r) for r in secrets.resources)
    assert any(fnmatchcase(f"{prefix}:rds!db-1-AbCdEf", r) for r in secrets.resources)
    foreign = f"{prefix}:lakehouse-prod/initech-two/nessie-AbCdEf"
    assert not any(fnmatchcase(foreign, r) for r in secrets.resources)
