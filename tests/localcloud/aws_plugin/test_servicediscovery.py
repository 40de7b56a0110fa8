"""Namespaces that are private to a VPC, and the services in them, as Cloud Map guards them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import handler
from localcloud.aws_plugin.resource import ResourceError
from localcloud.aws_plugin.values import UNKNOWN
from tests.localcloud.aws_plugin.network_examples import vpc
from tests.localcloud.aws_plugin.resource_examples import Example
from tests.localcloud.aws_plugin.service_examples import namespace, registry
from tests.localcloud.aws_plugin.test_life import Done, make, urn
from tests.localcloud.aws_plugin.test_patches import refused


def changed(example: Example, **inputs: Any) -> Example:
    return replace(example, inputs={**example.inputs, **inputs})


def test_a_vpc_has_several_namespaces_but_none_twice(cloud: Cloud) -> None:
    done: Done = {}
    first, state = make(cloud, namespace, done)
    second, _ = make(cloud, changed(namespace, name="other.internal"), done)
    assert first != second
    stranger = {"tenant": "globex", "managed-by": "someone/else"}
    with pytest.raises(ResourceError, match="not of this stack"):
        make(cloud, changed(namespace, tags=stranger), done)
    refused(
        cloud.client("servicediscovery").create_private_dns_namespace,
        "NamespaceAlreadyExists",
        Name=state["name"],
        Vpc=state["vpc"],
    )


def test_two_vpcs_have_each_their_own_of_a_name(cloud: Cloud) -> None:
    first, _ = make(cloud, namespace)
    other = replace(vpc, name="other")
    second, _ = make(cloud, replace(namespace, needs=(other,)))
    assert first != second


def test_a_namespace_needs_its_vpc_and_its_name_free(cloud: Cloud) -> None:
    api = cloud.client("servicediscovery")
    refused(api.create_private_dns_namespace, "InvalidInput", Name="a.internal", Vpc="vpc-none")
    network, _ = make(cloud, vpc)
    cloud.client("route53").create_hosted_zone(
        Name="a.internal",
        CallerReference="mine",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCId": network, "VPCRegion": cloud.region},
    )
    refused(
        api.create_private_dns_namespace, "ConflictingDomainExists", Name="a.internal", Vpc=network
    )


def test_the_zone_comes_and_goes_with_the_namespace(cloud: Cloud) -> None:
    identifier, state = make(cloud, namespace)
    zone = cloud.client("route53").get_hosted_zone(Id=state["hostedZone"])
    assert zone["HostedZone"]["Name"] == "acme.internal."
    assert zone["HostedZone"]["Config"]["PrivateZone"]
    assert [one["VPCId"] for one in zone["VPCs"]] == [state["vpc"]]
    handler(namespace.token).remove(cloud, identifier, state)
    refused(cloud.client("route53").get_hosted_zone, "NoSuchHostedZone", Id=state["hostedZone"])


def test_a_change_keeps_the_zone(cloud: Cloud) -> None:
    resource = handler(namespace.token)
    done: Done = {}
    identifier, state = make(cloud, namespace, done)
    wanted = {**state, "description": "x"}
    assert (
        resource.update(cloud, identifier, state, wanted, state)["hostedZone"]
        == (state["hostedZone"])
    )


def test_a_zone_that_was_deleted_by_hand_is_drift(cloud: Cloud) -> None:
    resource = handler(namespace.token)
    identifier, state = make(cloud, namespace)
    cloud.client("route53").delete_hosted_zone(Id=state["hostedZone"])
    now = resource.settle(cloud, resource.read(cloud, identifier, state) or {}, state)
    assert resource.differences(now, state, state) == {"vpc"}


def test_a_namespace_with_services_stays(cloud: Cloud) -> None:
    done: Done = {}
    service, of_service = make(cloud, registry, done)
    identifier, state = done[id(namespace)]
    with pytest.raises(ClientError, match="ResourceInUse"):
        handler(namespace.token).remove(cloud, identifier, state)
    api = cloud.client("servicediscovery")
    api.register_instance(
        ServiceId=service, InstanceId="i", Attributes={"AWS_INSTANCE_IPV4": "10.0.0.9"}
    )
    with pytest.raises(ClientError, match="ResourceInUse"):
        handler(registry.token).remove(cloud, service, of_service)
    api.deregister_instance(ServiceId=service, InstanceId="i")
    handler(registry.token).remove(cloud, service, of_service)
    refused(api.delete_service, "ServiceNotFound", Id=service)
    handler(namespace.token).remove(cloud, identifier, state)
    assert handler(namespace.token).read(cloud, identifier, state) is None


def test_a_service_is_once_in_a_namespace_that_exists(cloud: Cloud) -> None:
    _, state = make(cloud, registry)
    api = cloud.client("servicediscovery")
    twin = {"Name": state["name"], "NamespaceId": state["namespaceId"]}
    refused(api.create_service, "ServiceAlreadyExists", **twin)
    refused(api.create_service, "NamespaceNotFound", Name="x", NamespaceId="ns-none")


@pytest.mark.parametrize(
    ("dns", "replaced"),
    [
        ({"dnsRecords": [{"type": "A", "ttl": 60}]}, False),
        ({"namespaceId": "ns-other"}, True),
        ({"namespaceId": UNKNOWN}, True),
        ({"routingPolicy": "WEIGHTED"}, True),
    ],
)
def test_records_change_in_place_and_nothing_else_of_them(
    cloud: Cloud, dns: dict[str, Any], replaced: bool
) -> None:
    resource = handler(registry.token)
    _, state = make(cloud, registry)
    wanted = {**state, "dnsConfig": {**state["dnsConfig"], **dns}}
    del wanted["namespaceId"], wanted["type"]
    differs = resource.differences(state, wanted, wanted)
    assert "dnsConfig" in differs
    assert any(resource.table[name].replace for name in differs) is replaced


def test_a_service_needs_one_namespace() -> None:
    resource = handler(registry.token)
    for inputs, wrong in (
        ({"name": "x"}, True),
        ({"name": "x", "namespaceId": "a"}, False),
        ({"name": "x", "namespaceId": "a", "dnsConfig": {"namespaceId": "b"}}, True),
        ({"name": "x", "dnsConfig": {"namespaceId": UNKNOWN}}, False),
    ):
        assert bool(resource.check(inputs)) is wrong


def test_two_resources_of_one_urn_make_one_service(cloud: Cloud) -> None:
    identifier, state = make(cloud, registry)
    inputs = {name: state[name] for name in registry.inputs}
    again, _ = handler(registry.token).create(cloud, urn(registry.token), inputs)
    assert again == identifier
