"""A tenant has one account, whatever happened before."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from localcloud.emulator import organization
from tests.localcloud.aws_plugin.conftest import ACCOUNT, reset
from tests.localcloud.aws_plugin.organization_examples import account
from tests.localcloud.aws_plugin.test_life import make, urn

INPUTS = account.inputs | {"parentId": organization.ROOT}


@pytest.fixture
def client(session: boto3.Session) -> Any:  # its stubs are not installed for all services
    organization.found(ACCOUNT)
    return session.client("organizations")


def accounts(client: Any) -> list[str]:
    return [one["Id"] for one in client.list_accounts()["Accounts"] if one["Id"] != ACCOUNT]


def test_an_account_that_was_made_and_not_recorded_is_moved_and_kept(
    cloud: Cloud, client: Any
) -> None:
    tags = [{"Key": key, "Value": value} for key, value in INPUTS["tags"].items()]
    made = client.create_account(Email=INPUTS["email"], AccountName=INPUTS["name"], Tags=tags)
    found, state = make(cloud, account)
    assert [found] == accounts(client) == [made["CreateAccountStatus"]["AccountId"]]
    assert state["parentId"].startswith("ou-")


def test_a_strangers_account_of_the_same_address_is_refused(cloud: Cloud, client: Any) -> None:
    client.create_account(Email=INPUTS["email"].upper(), AccountName="another")
    with pytest.raises(ResourceError, match="not of this stack"):
        handler(account.token).create(cloud, urn(account.token), INPUTS)
    assert len(accounts(client)) == 1


def test_another_address_vends_no_second_account(cloud: Cloud, client: Any) -> None:
    make(cloud, account)
    moved = INPUTS | {"email": "elsewhere+acme@lake.example"}
    with pytest.raises(ResourceError, match="a tenant has one account"):
        handler(account.token).create(cloud, urn(account.token), moved)
    assert len(accounts(client)) == 1


def test_a_closed_account_is_not_taken_for_a_living_one(cloud: Cloud, client: Any) -> None:
    found, _ = make(cloud, account)
    client.close_account(AccountId=found)
    with pytest.raises(ResourceError, match="SUSPENDED"):
        make(cloud, account)


def test_the_cloud_takes_an_address_once(client: Any) -> None:
    given = {"Email": INPUTS["email"], "AccountName": "one"}
    assert client.create_account(**given)["CreateAccountStatus"]["State"] == "SUCCEEDED"
    again = client.create_account(**given)["CreateAccountStatus"]
    assert (again["State"], again["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert len(accounts(client)) == 1


def test_a_cloud_that_is_built_again_vends_the_same_number(
    cloud: Cloud, client: Any, endpoint: str
) -> None:
    before, _ = make(cloud, account)
    reset(endpoint)
    again, _ = make(cloud, account)
    assert again == before
    assert len(again) == 12


def test_the_management_account_acts_in_a_vended_one(
    cloud: Cloud, client: Any, session: boto3.Session
) -> None:
    number, _ = make(cloud, account)
    role = f"arn:aws:iam::{number}:role/{INPUTS['roleName']}"
    given: Any = session.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    assert given["AssumedRoleUser"]["Arn"].startswith(f"arn:aws:sts::{number}:")
