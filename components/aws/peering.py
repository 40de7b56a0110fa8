"""The line between a hard tenant's network and the platform's, and to nobody else's."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.aws.network import Network
from components.aws.reference import PlatformOutputs
from tenancy.environment import Environment


@dataclass(frozen=True)
class PeeringArgs:
    """``network``: the tenant's; ``environment``: whose platform it is peered to.

    ``platform_provider`` acts in the platform's account and region.
    """

    network: Network
    environment: Environment
    platform_provider: pulumi.ProviderResource


class Peering(pulumi.ComponentResource):
    """A peering, asked for by the tenant's account and accepted by the platform's.

    What it is peered to is read from the outputs of the platform's stack, which is deployed first.

    A peering carries nothing on to a third network (Amazon VPC Peering Guide, "Transitive
    peering"), and no tenant's range is routed here, so tenants do not meet in the platform's.
    """

    def __init__(self, name: str, args: PeeringArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Peering", name, None, opts)
        child = ResourceOptions(parent=self)
        network, environment = args.network, args.environment
        of_platform = ResourceOptions(parent=self, provider=args.platform_provider)
        platform = PlatformOutputs(environment, child)
        asked = aws.ec2.VpcPeeringConnection(
            f"{name}-connection",
            vpc_id=network.parts.vpc_id,
            peer_vpc_id=platform.of("vpc_id"),
            peer_owner_id=environment.account_id,
            peer_region=environment.region,
            opts=child,
        )
        accepted = aws.ec2.VpcPeeringConnectionAccepter(
            f"{name}-acceptance",
            vpc_peering_connection_id=asked.id,
            auto_accept=True,
            opts=of_platform,
        )
        # AWS takes a route over a peering only once that is active.
        active = pulumi.Output.all(asked.id, accepted.id).apply(lambda ids: str(ids[0]))
        aws.ec2.Route(
            f"{name}-there",
            route_table_id=network.route_table_id,
            destination_cidr_block=str(environment.network.platform),
            vpc_peering_connection_id=active,
            opts=child,
        )
        aws.ec2.Route(
            f"{name}-back",
            route_table_id=platform.of("route_table_id"),
            destination_cidr_block=network.cidr,
            vpc_peering_connection_id=active,
            opts=of_platform,
        )
        self.register_outputs({})
