"""Endpoints of AWS services in a VPC."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from localcloud.aws_plugin import documents
from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.ec2 import Ec2Resource
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import TAGS, Property, declare
from localcloud.aws_plugin.values import Properties

_SETS: Final = ("routeTableIds", "subnetIds", "securityGroupIds")
# What an endpoint of the other kind does not have (EC2 API Reference, CreateVpcEndpoint).
_NOT_OF: Final = {
    "Gateway": ("subnetIds", "securityGroupIds", "privateDnsEnabled"),
    "Interface": ("routeTableIds",),
}


@register
class VpcEndpoint(Ec2Resource):
    token = "aws:ec2/vpcEndpoint:VpcEndpoint"
    kind = "vpc-endpoint"
    properties = declare(
        vpcId=Property(required=True, replace=True),
        serviceName=Property(required=True, replace=True),
        vpcEndpointType=Property(default="Gateway", replace=True, choices=("Gateway", "Interface")),
        policy=Property(computed=True, document=documents.ENDPOINT, api="PolicyDocument"),
        routeTableIds=Property(unordered=True),
        subnetIds=Property(unordered=True),
        securityGroupIds=Property(computed=True, unordered=True),
        privateDnsEnabled=Property(default=False),
        tags=TAGS,
    )
    outputs = (
        "arn",
        "cidrBlocks",
        "dnsEntries",
        "networkInterfaceIds",
        "ownerId",
        "prefixListId",
        "state",
    )
    create_call = "create_vpc_endpoint"
    made_path = "VpcEndpoint.VpcEndpointId"
    read_call = "describe_vpc_endpoints"
    read_path = "VpcEndpoints[0]"
    ids = "VpcEndpointIds"
    delete_call = "delete_vpc_endpoints"
    delete_by = "VpcEndpointIds"

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        kind = inputs.get("vpcEndpointType") or "Gateway"
        for name in _NOT_OF.get(kind, ()):
            if inputs.get(name):
                yield name, f"a {kind} endpoint has no {name}"

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        kind = inputs.get("vpcEndpointType") or "Gateway"
        # EC2's default for an interface is on, the official provider's is off.
        private = inputs.get("privateDnsEnabled") or False
        return {**inputs, "vpcEndpointType": kind, "privateDnsEnabled": private}

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        live = super().live(client, found, known)
        live["securityGroupIds"] = [group["GroupId"] for group in found["Groups"]]
        live["dnsEntries"] = [
            {"dnsName": entry["DnsName"], "hostedZoneId": entry["HostedZoneId"]}
            for entry in found["DnsEntries"]
        ]
        if found["VpcEndpointType"] == "Gateway":
            named = [{"Name": "prefix-list-name", "Values": [found["ServiceName"]]}]
            lists = client.describe_managed_prefix_lists(Filters=named)["PrefixLists"]
            live["prefixListId"] = lists[0]["PrefixListId"]
            entries = client.get_managed_prefix_list_entries(PrefixListId=live["prefixListId"])
            live["cidrBlocks"] = [entry["Cidr"] for entry in entries["Entries"]]
        return live

    def modify(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        request: dict[str, Any] = {}
        if "policy" in what:
            new = inputs.get("policy")
            request |= {"PolicyDocument": new} if new else {"ResetPolicy": True}
        if "privateDnsEnabled" in what:
            request["PrivateDnsEnabled"] = bool(inputs.get("privateDnsEnabled"))
        for name in what.intersection(_SETS):
            old, new = set(state.get(name) or []), set(inputs.get(name) or [])
            of = name[0].upper() + name[1:-1]  # RouteTableId
            request |= {f"Add{of}s": sorted(new - old)} if new - old else {}
            request |= {f"Remove{of}s": sorted(old - new)} if old - new else {}
        self.client(cloud, inputs).modify_vpc_endpoint(VpcEndpointId=identifier, **request)
