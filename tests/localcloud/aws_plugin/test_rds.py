"""Databases: no password in the state, nothing lost, and what RDS refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from tests.localcloud.aws_plugin.network_examples import subnet
from tests.localcloud.aws_plugin.service_examples import database, parameter_group, subnet_group
from tests.localcloud.aws_plugin.test_life import make, ready
from tests.localcloud.aws_plugin.test_patches import refused


def with_inputs(**more: Any) -> Any:
    return replace(database, inputs={**database.inputs, **more})


@pytest.mark.parametrize("name", ["a--b", "a-", "-a", "1a", "A", "a_b", "a" * 64])
def test_identifiers_that_rds_refuses_are_refused(name: str) -> None:
    problems = handler(database.token).check({**database.inputs, "identifier": name})
    assert [name for name, _ in problems] == ["identifier"]


def test_a_password_is_rds_own_business() -> None:
    inputs = {**database.inputs, "identifier": "a", "manageMasterUserPassword": False}
    assert [n for n, _ in handler(database.token).check(inputs)] == ["manageMasterUserPassword"]
    assert [n for n, _ in handler(database.token).check({**database.inputs, "password": "x"})] == [
        "password"
    ]


def test_the_master_secret_is_named_and_its_value_is_nowhere(cloud: Cloud) -> None:
    _, state = make(cloud, database)
    (secret,) = state["masterUserSecrets"]
    assert secret["secretStatus"] == "active"
    value = cloud.client("secretsmanager").get_secret_value(SecretId=secret["secretArn"])
    password = json.loads(value["SecretString"])["password"]
    assert password not in json.dumps(state)
    assert state["endpoint"] == f"{state['address']}:5432"


def test_each_database_has_a_resource_id_of_its_own(cloud: Cloud) -> None:
    _, one = make(cloud, database)
    other = ready(cloud, with_inputs(identifier="lake-globex"))
    _, two = make(cloud, other)
    assert one["resourceId"] != two["resourceId"]


def test_a_major_version_is_any_of_its_minor_ones_and_no_other(cloud: Cloud) -> None:
    resource = handler(database.token)
    _, state = make(cloud, database)
    inputs = {**state, "engineVersion": "16"}
    assert resource.differences(state, inputs, inputs) == set()
    assert "engineVersion" in resource.differences(state, {**inputs, "engineVersion": "1"}, inputs)
    assert "engineVersion" in resource.differences(state, {**inputs, "engineVersion": "17"}, inputs)


def test_a_protected_database_stays(cloud: Cloud) -> None:
    identifier, state = make(cloud, with_inputs(deletionProtection=True))
    with pytest.raises(ClientError, match="protected"):
        handler(database.token).remove(cloud, identifier, state)
    assert handler(database.token).read(cloud, identifier, state) is not None


def test_a_database_goes_only_with_a_snapshot_or_a_word(cloud: Cloud) -> None:
    resource = handler(database.token)
    identifier, state = make(cloud, with_inputs(skipFinalSnapshot=False))
    with pytest.raises(ResourceError, match="finalSnapshotIdentifier"):
        resource.remove(cloud, identifier, state)
    resource.remove(cloud, identifier, {**state, "finalSnapshotIdentifier": "last"})
    assert resource.read(cloud, identifier, state) is None
    snapshots = cloud.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [one["DBSnapshotIdentifier"] for one in snapshots] == ["last"]


def test_groups_in_use_stay(cloud: Cloud) -> None:
    make(cloud, database)
    rds = cloud.client("rds")
    refused(
        rds.delete_db_subnet_group, "InvalidDBSubnetGroupStateFault", DBSubnetGroupName="lake-acme"
    )
    refused(
        rds.delete_db_parameter_group,
        "InvalidDBParameterGroupState",
        DBParameterGroupName="lake-acme",
    )


def test_a_subnet_group_covers_two_zones(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="coverage"):
        make(cloud, replace(subnet_group, needs=(subnet, subnet)))
    assert handler(subnet_group.token).check({"name": "A", "subnetIds": ["a"]}) != []


def test_a_dropped_parameter_is_reset(cloud: Cloud) -> None:
    resource = handler(parameter_group.token)
    name, state = make(cloud, parameter_group)
    inputs = {**parameter_group.inputs, "parameters": []}
    after = resource.update(cloud, name, state, inputs, parameter_group.inputs)
    assert not after.get("parameters")


def test_a_strangers_database_is_not_taken_over(cloud: Cloud) -> None:
    cloud.client("rds").create_db_instance(
        DBInstanceIdentifier="lake-acme", Engine="postgres", DBInstanceClass="db.t4g.micro"
    )
    with pytest.raises(ResourceError, match="not of this stack"):
        make(cloud, database)
