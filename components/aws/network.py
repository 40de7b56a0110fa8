"""A private network: no way in or out but named endpoints, and a record of what passes."""

from dataclasses import dataclass
from operator import itemgetter

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.aws.parts import NetworkParts
from components.aws.security_group import Flow, ServiceGroup, ServiceGroupArgs
from tenancy.claims import Claims
from tenancy.endpoints import Endpoint
from tenancy.grants import PolicyKind, render
from tenancy.names import PLATFORM, Names
from tenancy.network import FLOW_LOGS, NetworkPlan, flow_log_statements, flow_log_trust

FLOW_LOG_RETENTION_DAYS = 90
HTTPS = 443


@dataclass(frozen=True)
class NetworkArgs:
    """``owner``: ``PLATFORM``, or the one tenant whose account it is."""

    names: Names
    owner: str
    plan: NetworkPlan


class Network(pulumi.ComponentResource):
    """A VPC with a private subnet in each zone, without internet gateway and NAT.

    Its subnets are known when the endpoints stand: a task that starts before them finds no image.
    There is one route table, since all zones have the same routes.
    """

    plan: NetworkPlan
    cidr: str
    parts: NetworkParts
    route_table_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Network", name, None, opts)
        self._name, self._args, self._child = name, args, ResourceOptions(parent=self)
        self.plan, self.cidr = args.plan, args.plan.cidr
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=self.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            opts=self._child,
        )
        self._vpc_id = vpc.id
        # Given no rules, it loses those that AWS made it with: what is put in no group reaches
        # nothing.
        aws.ec2.DefaultSecurityGroup(f"{name}-default-group", vpc_id=vpc.id, opts=self._child)
        table = aws.ec2.RouteTable(f"{name}-routes", vpc_id=vpc.id, opts=self._child)
        self.route_table_id = table.id
        associations = [
            self._subnet(subnet.zone, subnet.cidr, table) for subnet in args.plan.subnets
        ]
        subnet_ids = [association.subnet_id for association in associations]
        self._endpoints_group_id = ServiceGroup(
            f"{name}-endpoints",
            # By range, not by group: a group has 60 rules at most (Amazon VPC quotas), and the
            # endpoints' policies say who may do what.
            ServiceGroupArgs(
                args.names,
                args.owner,
                "endpoints",
                self._vpc_id,
                ingress=(Flow("network", HTTPS, cidr=self.cidr),),
            ),
            self._child,
        ).group_id
        gateway = self._gateway(args.plan.gateway)
        endpoints = [
            gateway,
            *(self._interface(endpoint, subnet_ids) for endpoint in args.plan.interfaces),
        ]
        ready = pulumi.Output.all(*(endpoint.id for endpoint in endpoints))
        self.parts = NetworkParts(
            vpc_id=vpc.id,
            subnet_ids=pulumi.Output.all(pulumi.Output.all(*subnet_ids), ready).apply(
                itemgetter(0)
            ),
            endpoints_group_id=self._endpoints_group_id,
            s3_prefix_list_id=gateway.prefix_list_id,
        )
        self._flow_logs()
        names, owner = args.names, args.owner
        role = names.service_role_arn(owner, FLOW_LOGS)
        claims = Claims(
            tenant=None if owner == PLATFORM else owner,
            owns=(
                names.log_group_arn(owner, FLOW_LOGS),
                role,
                names.flow_logs_boundary_arn(owner),
            ),
            principals=(role,),
            reason="writes the record of who talks to whom in the network of the shared services",
        )
        self.register_outputs({"claims": claims.to_json()})

    def _subnet(
        self, zone: str, cidr: str, table: aws.ec2.RouteTable
    ) -> aws.ec2.RouteTableAssociation:
        subnet = aws.ec2.Subnet(
            f"{self._name}-{zone}",
            vpc_id=self._vpc_id,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            opts=self._child,
        )
        return aws.ec2.RouteTableAssociation(
            f"{self._name}-{zone}-routes",
            subnet_id=subnet.id,
            route_table_id=table.id,
            opts=self._child,
        )

    def _gateway(self, endpoint: Endpoint) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{endpoint.service}",
            vpc_id=self._vpc_id,
            service_name=self._args.names.endpoint_service(endpoint.service),
            vpc_endpoint_type="Gateway",
            policy=render(endpoint.statements, PolicyKind.ENDPOINT),
            route_table_ids=[self.route_table_id],
            opts=self._child,
        )

    def _interface(
        self, endpoint: Endpoint, subnet_ids: list[pulumi.Output[str]]
    ) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{endpoint.service}",
            vpc_id=self._vpc_id,
            service_name=self._args.names.endpoint_service(endpoint.service),
            vpc_endpoint_type="Interface",
            policy=render(endpoint.statements, PolicyKind.ENDPOINT),
            subnet_ids=subnet_ids,
            security_group_ids=[self._endpoints_group_id],
            private_dns_enabled=True,
            opts=self._child,
        )

    def _flow_logs(self) -> None:
        name, names, owner = self._name, self._args.names, self._args.owner
        grants = flow_log_statements(names, owner)
        boundary = aws.iam.Policy(
            f"{name}-flow-logs-boundary",
            name=names.flow_logs_boundary(owner),
            path=names.boundary_path,
            description=f"The most that the flow logs of {owner} may ever do",
            policy=render(grants, PolicyKind.MANAGED),
            opts=self._child,
        )
        role = aws.iam.Role(
            f"{name}-flow-logs-role",
            name=names.service_role(owner, FLOW_LOGS),
            path=names.service_path,
            description=f"flow logs of {owner}",
            assume_role_policy=render(flow_log_trust(names), PolicyKind.TRUST),
            permissions_boundary=boundary.arn,
            opts=self._child,
        )
        granted = aws.iam.RolePolicy(
            f"{name}-flow-logs-grants",
            name="grants",
            role=role.name,
            policy=render(grants, PolicyKind.INLINE),
            opts=self._child,
        )
        group = aws.cloudwatch.LogGroup(
            f"{name}-flow-logs-group",
            name=names.log_group(owner, FLOW_LOGS),
            retention_in_days=FLOW_LOG_RETENTION_DAYS,
            opts=self._child,
        )
        aws.ec2.FlowLog(
            f"{name}-flow-logs",
            vpc_id=self._vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            opts=ResourceOptions(parent=self, depends_on=[granted]),
        )
