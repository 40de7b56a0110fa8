"""The database's decisions: who may do what, and names that never meet."""

import re
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from tenancy.database import (
    PARAMETERS,
    ROTATION_DAYS,
    database_spec,
    database_users_statements,
    rotated_secrets_arn,
    secrets_prefix,
)
from tenancy.database_names import database_name, logins
from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import PLATFORM, Names, ServiceKind

NAMES = Names("lakehouse", "prod", "222222222222", "us-east-1")
KINDS = [ServiceKind.NESSIE, ServiceKind.DAGSTER]
IDS = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)


def by_sid(owner: str) -> dict[str, Statement]:
    return {statement.sid: statement for statement in database_users_statements(NAMES, owner)}


@given(st.lists(st.tuples(IDS, st.sampled_from(KINDS)), min_size=2, max_size=6, unique=True))
def test_no_two_services_share_a_name_in_the_database(services: list[tuple[str, str]]) -> None:
    databases = [database_name(*service) for service in services]
    for one, other in permutations(databases, 2):
        assert not {one, *logins(one)} & {other, *logins(other)}


def test_the_longest_name_fits_postgresql() -> None:
    longest = database_name("a" * 20, max(KINDS, key=len))
    assert all(len(name) <= 63 for name in (longest, *logins(longest)))


def test_tls_and_scram_are_not_a_choice() -> None:
    parameters = dict(PARAMETERS)
    assert parameters["rds.force_ssl"] == "1"
    assert parameters["rds.accepted_password_auth_method"] == "scram"


def test_a_password_lives_no_longer_than_half_a_year() -> None:
    assert 2 * ROTATION_DAYS <= 183


def test_every_database_survives_a_zone() -> None:
    assert all(database_spec(owner).multi_az for owner in (PLATFORM, "initech"))


def test_the_function_writes_only_secrets_that_it_is_the_rotation_of() -> None:
    function = "arn:aws:lambda:us-east-1:222222222222:function:lakehouse-prod--{}--database-users"
    for owner in (PLATFORM, "initech"):
        statement = by_sid(owner)["Users"]
        assert statement.resources == (rotated_secrets_arn(NAMES, owner),)
        assert statement.conditions == {
            "StringEquals": {
                "secretsmanager:resource/AllowRotationLambdaArn": function.format(owner)
            }
        }


def test_a_hard_tenants_function_reaches_that_tenants_secrets_alone() -> None:
    (arn,) = by_sid("initech")["Users"].resources
    assert arn.endswith(":secret:lakehouse-prod/initech/*")
    assert secrets_prefix(NAMES, "initech") == "lakehouse-prod/initech/"


def test_the_master_of_another_instance_stays_out_of_reach() -> None:
    master = by_sid(PLATFORM)["Master"]
    assert master.actions == ("secretsmanager:GetSecretValue",)
    assert master.conditions == {
        "StringEquals": {
            "aws:ResourceTag/aws:rds:primaryDBInstanceArn": (
                "arn:aws:rds:us-east-1:222222222222:db:lakehouse-prod-platform-db"
            )
        }
    }


def test_the_functions_code_may_not_use_what_lambda_needs_for_the_network() -> None:
    statements = by_sid(PLATFORM)
    denied = statements["DenyNetworkToCode"]
    assert denied.effect == "Deny"
    assert denied.actions == statements["Network"].actions
    assert all(re.fullmatch(r"ec2:[A-Za-z]+", action) for action in denied.actions)


def test_its_grants_fit_a_boundary() -> None:
    longest = Names("l" * 32, "e" * 8, "222222222222", "us-gov-west-1")
    for owner in (PLATFORM, "a" * 20):
        render(database_users_statements(longest, owner), PolicyKind.MANAGED)
