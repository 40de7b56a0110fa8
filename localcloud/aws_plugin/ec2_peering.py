"""VPC peering: the requester's side and the accepter's, which may be another account's."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.ec2 import Ec2Resource
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import TAGS, Property, ResourceError, declare
from localcloud.aws_plugin.values import Properties


class Peering(Ec2Resource):
    """One connection, seen from either side; each account has tags of its own on it."""

    kind = "vpc-peering-connection"
    create_call = "create_vpc_peering_connection"
    made_path = "VpcPeeringConnection.VpcPeeringConnectionId"
    read_call = "describe_vpc_peering_connections"
    read_path = "VpcPeeringConnections[0]"
    ids = "VpcPeeringConnectionIds"
    delete_call = "delete_vpc_peering_connection"
    delete_by = "VpcPeeringConnectionId"
    # VPC Peering Guide, "VPC peering connection lifecycle": no way leads out of these.
    ended = frozenset({"deleting", "deleted", "expired", "failed", "rejected"})

    def accept(self, cloud: Cloud, identifier: str, inputs: Properties) -> None:
        """Accept the request, unless that was done. Raises ResourceError when it has ended."""
        client = self.client(cloud, inputs)
        found = client.describe_vpc_peering_connections(VpcPeeringConnectionIds=[identifier])
        status = found["VpcPeeringConnections"][0]["Status"]["Code"]
        if status in self.ended:
            raise ResourceError(f"the peering connection {identifier} is {status}")
        if status == "pending-acceptance":
            client.accept_vpc_peering_connection(VpcPeeringConnectionId=identifier)

    def modify(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        if inputs.get("autoAccept"):
            self.accept(cloud, identifier, inputs)


@register
class VpcPeeringConnection(Peering):
    token = "aws:ec2/vpcPeeringConnection:VpcPeeringConnection"
    properties = declare(
        vpcId=Property(required=True, replace=True),
        peerVpcId=Property(required=True, replace=True),
        peerOwnerId=Property(computed=True, replace=True),
        peerRegion=Property(computed=True, replace=True),
        autoAccept=Property(default=False, write_only=True),
        tags=TAGS,
    )
    outputs = ("acceptStatus",)

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        if inputs.get("autoAccept") and inputs.get("peerRegion"):
            yield "autoAccept", "only within an account and region; else give an accepter"

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        made = super().make(cloud, urn, inputs)
        if inputs.get("autoAccept"):
            self.accept(cloud, made, inputs)
        return made

    def begin(self, cloud: Cloud, inputs: Properties, tags: list[dict[str, Any]]) -> str:
        made = super().begin(cloud, inputs, tags)
        found = self.client(cloud, inputs).describe_vpc_peering_connections(
            VpcPeeringConnectionIds=[made]
        )
        status = found["VpcPeeringConnections"][0]["Status"]
        if status["Code"] in self.ended:  # EC2 answers first and judges then
            raise ResourceError(f"{status['Code']}: {status['Message']}")
        return made

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        peer = found["AccepterVpcInfo"]
        return {
            "vpcId": found["RequesterVpcInfo"]["VpcId"],
            "peerVpcId": peer["VpcId"],
            "peerOwnerId": peer["OwnerId"],
            "peerRegion": peer["Region"],
            "acceptStatus": found["Status"]["Code"],
        }


@register
class VpcPeeringConnectionAccepter(Peering):
    """The accepter's side. Deleting it leaves the connection to its requester, as the official
    provider does.
    """

    token = "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter"
    properties = declare(
        vpcPeeringConnectionId=Property(required=True, replace=True),
        autoAccept=Property(default=False, write_only=True),
        tags=TAGS,
    )
    outputs = ("acceptStatus", "peerOwnerId", "peerRegion", "peerVpcId", "vpcId")

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        identifier = str(inputs["vpcPeeringConnectionId"])
        live = self.read(cloud, identifier, inputs)
        if live is None:
            raise ResourceError(f"no peering connection {identifier} was requested of this account")
        state = self.settle(cloud, live, {})
        if what := self.differences(state, inputs, {}):
            self.change(cloud, identifier, state, inputs, what)
        return identifier

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        requester = found["RequesterVpcInfo"]
        return {
            "vpcPeeringConnectionId": found["VpcPeeringConnectionId"],
            "vpcId": found["AccepterVpcInfo"]["VpcId"],
            "peerVpcId": requester["VpcId"],
            "peerOwnerId": requester["OwnerId"],
            "peerRegion": requester["Region"],
            "acceptStatus": found["Status"]["Code"],
        }

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        """Nothing: the connection is the requester's."""
