"""What services run on in one account: network, load balancer, cluster, database, audit trail, and
the registry of whom they serve.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.aws.audit import AuditTrail, AuditTrailArgs
from components.aws.database import Database, DatabaseArgs
from components.aws.ground import Ground
from components.aws.load_balancer import LoadBalancer, LoadBalancerArgs
from components.aws.network import Network, NetworkArgs
from components.aws.registry import Registry, RegistryArgs
from components.aws.service import ServiceRoles, ServiceRolesArgs, claims_of
from tenancy.estate import StackPlan
from tenancy.names import PLATFORM


@dataclass(frozen=True)
class FoundationArgs:
    """``stack``: the plan of the account."""

    stack: StackPlan


class Foundation(pulumi.ComponentResource):
    """The ground that the platform's services, or those of one hard tenant, stand on."""

    ground: Ground
    network: Network
    audit_key_arn: pulumi.Output[str]
    registry_bucket: pulumi.Output[str]

    def __init__(
        self, name: str, args: FoundationArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:Foundation", name, None, opts)
        child = ResourceOptions(parent=self)
        stack = args.stack
        names, owner, environment = stack.names, stack.owner, stack.environment
        audit = AuditTrail(
            f"{name}-audit",
            AuditTrailArgs(
                names,
                owner,
                stack.served,
                environment,
                authority=owner == PLATFORM and environment.organization_trail,
                deployers=stack.deployers,
            ),
            child,
        )
        self.audit_key_arn = audit.key_arn
        self.registry_bucket = Registry(
            f"{name}-registry", RegistryArgs(names, owner, stack.deployers), child
        ).bucket
        self.network = Network(f"{name}-network", NetworkArgs(names, owner, stack.network), child)
        balancer = LoadBalancer(
            f"{name}-balancer",
            LoadBalancerArgs(names, owner, self.network, environment.domain, stack.clients),
            child,
        )
        database = Database(
            f"{name}-database",
            DatabaseArgs(names, owner, self.network, audit.alerts_topic_arn),
            child,
        )
        images = environment.images
        roles = ServiceRoles(
            f"{name}-roles",
            ServiceRolesArgs(
                names,
                owner,
                owner,
                (images.nessie, images.dagster, images.gateway),
                suspended=stack.hard and all(one.suspended for one in stack.tenants),
            ),
            child,
        )
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=names.cluster(owner),
            settings=[{"name": "containerInsights", "value": "enabled"}],
            opts=child,
        )
        self.ground = Ground(
            names=names,
            owner=owner,
            network=self.network.parts,
            load_balancer=balancer.parts,
            cluster_arn=cluster.arn,
            database=database.parts,
            roles=roles.parts,
            priorities=stack.priorities,
            alerts_topic_arn=audit.alerts_topic_arn,
            domain=environment.domain,
            environment=environment,
        )
        claims = claims_of(
            owner,
            (names.cluster_arn(owner),),
            (),
            "the cluster that the platform's services and its tenants' runs are started in",
        )
        self.register_outputs({"claims": claims.to_json()})
