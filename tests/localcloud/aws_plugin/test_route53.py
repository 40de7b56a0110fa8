"""Hosted zones and records."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from tests.localcloud.aws_plugin import network_examples as networks
from tests.localcloud.aws_plugin.resource_examples import TAGS
from tests.localcloud.aws_plugin.test_ec2 import create, drifted, named
from tests.localcloud.aws_plugin.test_life import make, ready
from tests.localcloud.aws_plugin.test_patches import refused

ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"


@pytest.fixture
def route53(session: boto3.Session) -> Any:
    return session.client("route53")


@pytest.fixture
def zone(cloud: Cloud) -> str:
    return make(cloud, networks.zone)[0]


def upsert(route53: Any, zone: str, action: str = "UPSERT", **record: Any) -> None:
    change = {"Action": action, "ResourceRecordSet": record}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})


def test_a_zone_interrupted_before_its_tags_and_second_vpc_is_completed(
    cloud: Cloud, route53: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = ready(cloud, networks.zone)
    peer, _ = make(cloud, networks.peer_vpc)
    inputs: dict[str, Any] = {**example.inputs, "vpcs": [*example.inputs["vpcs"], {"vpcId": peer}]}

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(handler(ZONE)), "_tag", killed)
        with pytest.raises(KeyboardInterrupt):
            create(cloud, ZONE, **inputs)
    identifier, state = create(cloud, ZONE, **inputs)
    assert state["tags"] == TAGS
    (only,) = route53.list_hosted_zones()["HostedZones"]
    assert only["Id"].endswith(identifier)
    assert len(route53.get_hosted_zone(Id=identifier)["VPCs"]) == 2


def test_outputs_that_programs_read(cloud: Cloud) -> None:
    identifier, state = make(cloud, networks.zone)
    assert state["zoneId"] == identifier
    assert state["arn"] == f"arn:aws:route53:::hostedzone/{identifier}"
    assert state["primaryNameServer"] == state["nameServers"][0]


def test_a_public_zone(cloud: Cloud) -> None:
    identifier, state = create(cloud, ZONE, name="lake.example.com.")
    assert drifted(cloud, ZONE, identifier, state) == state
    wanted = {"name": "lake.example.com", "vpcs": [{"vpcId": "vpc-1"}]}
    with pytest.raises(ResourceError, match="cannot become private"):
        handler(ZONE).update(cloud, identifier, state, wanted, wanted)


def test_a_vpc_sees_one_private_zone_of_a_name(cloud: Cloud, zone: str) -> None:
    vpc, _ = make(cloud, networks.vpc)
    inputs: dict[str, Any] = {"name": "lake.internal", "vpcs": [{"vpcId": vpc}]}
    with pytest.raises(Exception, match="ConflictingDomainExists"):
        create(cloud, ZONE, "another", **inputs)
    nowhere: dict[str, Any] = {
        "name": "other.internal",
        "vpcs": [{"vpcId": "vpc-0123456789abcdef0"}],
    }
    with pytest.raises(Exception, match="InvalidVPCId"):
        create(cloud, ZONE, "another", **nowhere)


def test_a_zone_with_records_stays_unless_forced(cloud: Cloud, route53: Any) -> None:
    identifier, state = make(cloud, networks.zone)
    values = [{"Value": "10.0.0.1"}]
    upsert(route53, identifier, Name="a.lake.internal", Type="A", TTL=60, ResourceRecords=values)
    with pytest.raises(Exception, match="HostedZoneNotEmpty"):
        handler(ZONE).remove(cloud, identifier, state)
    handler(ZONE).remove(cloud, identifier, {**state, "forceDestroy": True})
    assert drifted(cloud, ZONE, identifier, state) is None


def test_a_record_is_named_in_full_or_within_its_zone(cloud: Cloud, zone: str) -> None:
    of_short: dict[str, Any] = {
        "zoneId": zone,
        "name": "*.acme",
        "type": "A",
        "ttl": 60,
        "records": ["10.0.0.1"],
    }
    identifier, state = create(cloud, RECORD, **of_short)
    assert state["fqdn"] == "*.acme.lake.internal"
    assert state["name"] == "*.acme"
    full = {**of_short, "name": "*.acme.lake.internal"}
    assert create(cloud, RECORD, **full)[0] == identifier


def test_a_record_changed_by_hand_is_drift(cloud: Cloud, route53: Any) -> None:
    identifier, state = make(cloud, named("Record", "values"))
    values = [{"Value": "elsewhere.example.com"}]
    name = "db.lake.internal"
    upsert(route53, state["zoneId"], Name=name, Type="CNAME", TTL=60, ResourceRecords=values)
    there = drifted(cloud, RECORD, identifier, state)
    assert there is not None
    assert there["records"] == ["elsewhere.example.com"]
    handler(RECORD).remove(cloud, identifier, state)
    assert drifted(cloud, RECORD, identifier, state) is None


def test_a_record_that_is_there_with_another_value_is_not_overwritten(
    cloud: Cloud, zone: str
) -> None:
    one: dict[str, Any] = {
        "zoneId": zone,
        "name": "x",
        "type": "A",
        "ttl": 60,
        "records": ["10.0.0.1"],
    }
    create(cloud, RECORD, **one)
    other = {**one, "records": ["10.0.0.2"]}
    with pytest.raises(ResourceError, match="already exists"):
        create(cloud, RECORD, **other)
    _, state = create(cloud, RECORD, **other, allowOverwrite=True)
    assert state["records"] == ["10.0.0.2"]


def test_the_emulator_makes_no_second_record_of_a_name(route53: Any, zone: str) -> None:
    def make_one(value: str) -> None:
        values = [{"Value": value}]
        record = {"Name": "y.lake.internal", "Type": "A", "TTL": 60, "ResourceRecords": values}
        upsert(route53, zone, "CREATE", **record)

    make_one("10.0.0.1")
    refused(make_one, "InvalidChangeBatch", value="10.0.0.2")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, ""),
        ({"records": ["10.0.0.1"]}, "ttl"),
        (
            {"aliases": [{"name": "x", "zoneId": "Z", "evaluateTargetHealth": True}], "ttl": 1},
            "ttl",
        ),
    ],
)
def test_a_record_is_values_or_an_alias(given: dict[str, Any], place: str) -> None:
    inputs: dict[str, Any] = {"zoneId": "Z", "name": "x", "type": "A", **given}
    assert [name for name, _ in handler(RECORD).check(inputs)] == [place]
