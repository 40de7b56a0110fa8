"""EC2: whether two VPCs can be peered, how each side sees the connection, and routes over it."""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

import copy
from ipaddress import ip_network
from typing import Any, Final

from moto.ec2.exceptions import EC2ClientError, InvalidVPCPeeringConnectionIdError
from moto.ec2.models.route_tables import Route, RouteBackend
from moto.ec2.models.vpc_peering_connections import VPCPeeringConnectionBackend

from localcloud.emulator.patches.wrapping import Function, around

# VPC Peering Guide, "VPC peering connection lifecycle".
LIVE: Final = ("initiating-request", "pending-acceptance", "provisioning", "active")


def _create_peering(
    original: Function, self: Any, vpc: Any, peer_vpc: Any, *args: Any, **kwargs: Any
) -> Any:
    """AWS answers a request that cannot be, and lets it fail (VPC Peering Guide, "Limitations":
    overlapping ranges; one connection between two VPCs).
    """
    for other in self.vpc_pcxs.values():
        ends = {other.vpc.id, other.peer_vpc.id}
        if ends == {vpc.id, peer_vpc.id} and other.status["Code"] in LIVE:
            raise EC2ClientError(
                "VpcPeeringConnectionAlreadyExists",
                f"A vpc peering connection between {vpc.id} and {peer_vpc.id} already exists: "
                f"{other.id}",
            )
    connection = original(self, vpc, peer_vpc, *args, **kwargs)
    if any(one.overlaps(other) for one in _ranges(vpc) for other in _ranges(peer_vpc)):
        connection._status.code = "failed"  # noqa: SLF001 moto has no name for this state
        connection._status.message = (  # noqa: SLF001
            f"The ranges of {vpc.id} and {peer_vpc.id} overlap"
        )
    return connection


def _ranges(vpc: Any) -> list[Any]:
    return [
        ip_network(one["cidr_block"], strict=False) for one in vpc.get_cidr_block_association_set()
    ]


def _describe_peerings(
    original: Function, self: Any, vpc_peering_ids: list[str] | None = None
) -> list[Any]:
    """Each account has tags of its own on a connection; moto shows the requester's to both."""
    shown = []
    for connection in original(self, vpc_peering_ids):
        view = copy.copy(connection)
        view.ec2_backend = self
        shown.append(view)
    if missing := set(vpc_peering_ids or ()) - {one.id for one in shown}:
        raise InvalidVPCPeeringConnectionIdError(min(missing))
    return shown


def _create_route(
    original: Function,
    self: Any,
    route_table_id: str,
    *args: Any,
    vpc_peering_connection_id: str | None = None,
    **kwargs: Any,
) -> Any:
    """A route over a connection is of one of its two VPCs, and the connection lives."""
    if vpc_peering_connection_id:
        connection = self.get_vpc_peering_connection(vpc_peering_connection_id)
        here = self.get_route_table(route_table_id).vpc_id
        live = connection.status["Code"] in LIVE
        if not live or here not in (connection.vpc.id, connection.peer_vpc.id):
            raise InvalidVPCPeeringConnectionIdError(vpc_peering_connection_id)
    return original(
        self,
        route_table_id,
        *args,
        vpc_peering_connection_id=vpc_peering_connection_id,
        **kwargs,
    )


def _state(route: Any) -> str:
    """A route leads nowhere until its connection was accepted, and after it was deleted (VPC
    Peering Guide, "Update your route tables").
    """
    connection = route.vpc_pcx
    return "active" if connection is None or connection.status["Code"] == "active" else "blackhole"


def _associate_route_table(
    original: Function,
    self: Any,
    route_table_id: str,
    gateway_id: str | None = None,
    subnet_id: str | None = None,
) -> Any:
    """A subnet has one table at a time; moto would answer with the other table's association."""
    for table in self.route_tables.values():
        taken = subnet_id and subnet_id in table._associations.values()  # noqa: SLF001
        if taken and table.id != route_table_id:
            raise EC2ClientError(
                "Resource.AlreadyAssociated",
                f"the specified association for route table {route_table_id} conflicts with an "
                f"existing association of {subnet_id}",
            )
    table = self.get_route_table(route_table_id)
    if subnet_id and self.get_subnet(subnet_id).vpc_id != table.vpc_id:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Route table {route_table_id} and subnet {subnet_id} belong to different networks",
        )
    return original(self, route_table_id, gateway_id, subnet_id)


def patch() -> None:
    """Change moto in this process."""
    around(VPCPeeringConnectionBackend, "create_vpc_peering_connection")(_create_peering)
    around(VPCPeeringConnectionBackend, "describe_vpc_peering_connections")(_describe_peerings)
    around(RouteBackend, "create_route")(_create_route)
    around(RouteBackend, "associate_route_table")(_associate_route_table)
    Route.state = property(_state)  # type: ignore[assignment,method-assign]
