"""The one way to the services of a network: an internal load balancer that tells hosts apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.aws.network import HTTPS, Network
from components.aws.parts import BalancerParts
from components.aws.security_group import Flow, ServiceGroup, ServiceGroupArgs
from tenancy.claims import Claims
from tenancy.hosts import Hosts
from tenancy.names import PLATFORM, Names

# TLS 1.2 and 1.3, forward secrecy only (Elastic Load Balancing User Guide, "Security policies").
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
DEREGISTRATION_SECONDS = 30


@dataclass(frozen=True)
class LoadBalancerArgs:
    """``domain``: what all hosts are below. ``clients``: the private ranges that may call, as CIDR.

    ``owner``: ``PLATFORM``, or the one tenant whose account it is.
    """

    names: Names
    owner: str
    network: Network
    domain: str
    clients: Sequence[str]


class LoadBalancer(pulumi.ComponentResource):
    """An internal HTTPS load balancer, its certificate, and the private zone of its hosts.

    The certificate is validated by records in the public zone of the domain, which is not this
    program's: until they stand there, the deployment waits at it.
    """

    parts: BalancerParts

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:LoadBalancer", name, None, opts)
        child = ResourceOptions(parent=self)
        names, owner, network = args.names, args.owner, args.network
        group_id = ServiceGroup(
            f"{name}-group",
            ServiceGroupArgs(
                names,
                owner,
                "load-balancer",
                network.parts.vpc_id,
                ingress=[
                    Flow(f"clients-{cidr.replace('/', '-')}", HTTPS, cidr=cidr)
                    for cidr in args.clients
                ],
                # To all hosts at once: a group has 60 rules at most (Amazon VPC quotas), and each
                # service's own group says whether the load balancer may call it.
                egress=[Flow("services", 1024, cidr=network.cidr, last_port=65535)],
            ),
            child,
        ).group_id
        balancer = aws.lb.LoadBalancer(
            f"{name}-balancer",
            name=names.load_balancer(owner),
            internal=True,
            load_balancer_type="application",
            security_groups=[group_id],
            subnets=network.parts.subnet_ids,
            drop_invalid_header_fields=True,
            enable_deletion_protection=network.plan.deletion_protection,
            opts=child,
        )
        first, *others = Hosts(args.domain).certified(owner)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=first,
            subject_alternative_names=others,
            validation_method="DNS",
            opts=child,
        )
        validated = aws.acm.CertificateValidation(
            f"{name}-certificate-validation", certificate_arn=certificate.arn, opts=child
        )
        listener = aws.lb.Listener(
            f"{name}-listener",
            load_balancer_arn=balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=validated.certificate_arn,
            default_actions=[
                {
                    "type": "fixed-response",
                    "fixed_response": {
                        "content_type": "text/plain",
                        "message_body": "no such host",
                        "status_code": "404",
                    },
                }
            ],
            opts=child,
        )
        zone = aws.route53.Zone(
            f"{name}-zone",
            name=args.domain,
            comment=f"Hosts of {owner}",
            vpcs=[{"vpc_id": network.parts.vpc_id}],
            force_destroy=False,
            opts=child,
        )
        self.parts = BalancerParts(
            listener_arn=listener.arn,
            group_id=group_id,
            dns_name=balancer.dns_name,
            zone_id=zone.zone_id,
            alb_zone_id=balancer.zone_id,
        )
        claims = Claims(
            tenant=None if owner == PLATFORM else owner,
            owns=(names.load_balancer_arn(owner),),
            reason="the way to the shared services and to those of the tenants with a host of"
            " their own",
        )
        self.register_outputs({"claims": claims.to_json()})


@dataclass(frozen=True)
class HostRouteArgs:
    """``host`` goes to ``port`` of the targets; ``health_path`` answers 200 when one is well.

    ``priority``: of the listener's rule, from `tenancy.network.listener_priorities`.
    """

    load_balancer: BalancerParts
    names: Names
    owner: str
    kind: str
    host: str
    port: int
    health_path: str
    priority: int
    vpc_id: pulumi.Input[str]


class HostRoute(pulumi.ComponentResource):
    """A host of the load balancer: its name, its rule, and the group of its targets.

    ``target_group_arn`` is known when the rule stands, as ECS demands of a service's group.
    """

    target_group_arn: pulumi.Output[str]

    def __init__(self, name: str, args: HostRouteArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:HostRoute", name, None, opts)
        child = ResourceOptions(parent=self)
        names, owner, balancer = args.names, args.owner, args.load_balancer
        # The port is part of the name: it cannot change in place, and a group must be made before
        # the rule lets go of the old one.
        kind = f"{args.kind}-{args.port}"
        targets = aws.lb.TargetGroup(
            f"{name}-targets",
            name=names.target_group(owner, kind),
            port=args.port,
            protocol="HTTP",
            target_type="ip",
            vpc_id=args.vpc_id,
            deregistration_delay=DEREGISTRATION_SECONDS,
            health_check={
                "path": args.health_path,
                "protocol": "HTTP",
                "matcher": "200",
                "interval": 15,
                "timeout": 5,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,
            },
            opts=child,
        )
        rule = aws.lb.ListenerRule(
            f"{name}-rule",
            listener_arn=balancer.listener_arn,
            priority=args.priority,
            conditions=[{"host_header": {"values": [args.host]}}],
            actions=[{"type": "forward", "target_group_arn": targets.arn}],
            opts=child,
        )
        aws.route53.Record(
            f"{name}-record",
            zone_id=balancer.zone_id,
            name=args.host,
            type="A",
            aliases=[
                {
                    "name": balancer.dns_name,
                    "zone_id": balancer.alb_zone_id,
                    "evaluate_target_health": True,
                }
            ],
            opts=child,
        )
        self.target_group_arn = pulumi.Output.all(targets.arn, rule.id).apply(
            lambda known: str(known[0])
        )
        claims = Claims(
            tenant=None if owner == PLATFORM else owner,
            owns=(names.target_group_arn(owner, kind),),
            reason=f"the targets behind {args.host}, which serves several tenants",
        )
        self.register_outputs({"claims": claims.to_json()})
