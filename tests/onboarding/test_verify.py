"""Asking the cloud itself whether a tenant's roles, bucket and databases are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from onboarding.summary import TenantSummary
from onboarding.verify import Missing, verify
from tenancy.estate import StackPlan, load_estate
from tests.estates import write_estate

ROLE = "arn:aws:iam::{}:role/tenant/acme--reader"
ACME = TenantSummary(
    "acme",
    "soft",
    "prod",
    "222222222222",
    "us-east-1",
    "s3://lake/acme/",
    ("lake_db",),
    (),
    (ROLE.format("222222222222"),),
    "",
    "",
    {},
    1,
)
HARD = replace(ACME, tenant="initech", stack="prod-initech", account="444444444444")


@pytest.fixture
def plans(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, StackPlan]]:
    estate = load_estate(write_estate(tmp_path_factory.mktemp("estate")))
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIALOCALCLOUD000000",
        "AWS_SECRET_ACCESS_KEY": "of-the-test",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield {plan.name: plan for plan in estate.stacks}


def make(session: boto3.Session, bucket: str) -> None:
    session.client("iam").create_role(
        RoleName="acme--reader", Path="/tenant/", AssumeRolePolicyDocument="{}"
    )
    session.client("s3", region_name="us-east-1").create_bucket(Bucket=bucket)
    session.client("glue").create_database(DatabaseInput={"Name": "lake_db"})


def test_what_is_there_is_found(plans: dict[str, StackPlan]) -> None:
    make(boto3.Session(region_name="us-east-1"), "lake")
    (found,) = verify([ACME], [plans["prod"]])
    assert found.tenant == "acme"
    assert found.found == ("role acme--reader", "bucket lake", "database lake_db")


def test_everything_that_is_missing_is_told_with_what_to_do(plans: dict[str, StackPlan]) -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="lake")
    with pytest.raises(Missing) as missing:
        verify([ACME], [plans["prod"]])
    told = str(missing.value)
    assert "acme: role acme--reader: " in told
    assert "acme: database lake_db: " in told
    assert "bucket lake" not in told
    assert "remedy: " in told


def test_a_hard_tenants_things_are_looked_for_in_its_own_account(
    plans: dict[str, StackPlan],
) -> None:
    """What is in the platform's account of that name does not count."""
    make(boto3.Session(region_name="us-west-2"), "own")
    hard = replace(HARD, storage="s3://own/initech/", region="us-west-2")
    with pytest.raises(Missing, match="role acme--reader"):
        verify([hard], [plans["prod-initech"]])
