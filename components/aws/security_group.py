"""Security groups: what may call a service and what it may call, by group and port."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from tenancy.addresses import is_private
from tenancy.names import Names


@dataclass(frozen=True)
class Flow:
    """TCP between a group and one other side: another group, a prefix list or a private range.

    ``other`` is the other side in a word; ``last_port`` is for a range of ports.

    Raises:
        ValueError: not one other side, or a range that is not private.
    """

    other: str
    port: int
    group_id: pulumi.Input[str] | None = None
    prefix_list_id: pulumi.Input[str] | None = None
    cidr: str | None = None
    last_port: int | None = None

    def __post_init__(self) -> None:
        sides = (self.group_id, self.prefix_list_id, self.cidr)
        if sum(side is not None for side in sides) != 1:
            raise ValueError(f"the flow of {self.other} needs one other side")
        if self.cidr is not None and not is_private(IPv4Network(self.cidr)):
            raise ValueError(f"the flow of {self.other} is open to {self.cidr}")

    @property
    def inputs(self) -> dict[str, Any]:
        """The properties of a rule, but for its group and description."""
        return {
            "ip_protocol": "tcp",
            "from_port": self.port,
            "to_port": self.last_port or self.port,
            "referenced_security_group_id": self.group_id,
            "prefix_list_id": self.prefix_list_id,
            "cidr_ipv4": self.cidr,
        }


def allow_from(
    name: str, group_id: pulumi.Input[str], flow: Flow, opts: ResourceOptions
) -> aws.vpc.SecurityGroupIngressRule:
    """A rule that lets ``flow`` into the group, which may be another component's."""
    return aws.vpc.SecurityGroupIngressRule(
        f"{name}-from-{flow.other}",
        security_group_id=group_id,
        description=f"from {flow.other}",
        **flow.inputs,
        opts=opts,
    )


def allow_to(
    name: str, group_id: pulumi.Input[str], flow: Flow, opts: ResourceOptions
) -> aws.vpc.SecurityGroupEgressRule:
    """A rule that lets ``flow`` out of the group, which may be another component's."""
    return aws.vpc.SecurityGroupEgressRule(
        f"{name}-to-{flow.other}",
        security_group_id=group_id,
        description=f"to {flow.other}",
        **flow.inputs,
        opts=opts,
    )


@dataclass(frozen=True)
class ServiceGroupArgs:
    """``ingress`` and ``egress`` are all that passes; each flow needs a name of its own."""

    names: Names
    owner: str
    kind: str
    vpc_id: pulumi.Input[str]
    ingress: Sequence[Flow] = ()
    egress: Sequence[Flow] = ()


class ServiceGroup(pulumi.ComponentResource):
    """The security group of one service. The rules of the other side are the other side's."""

    group_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServiceGroupArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:ServiceGroup", name, None, opts)
        child = ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            name=args.names.security_group(args.owner, args.kind),
            description=f"{args.kind} of {args.owner}",
            vpc_id=args.vpc_id,
            opts=child,
        )
        rules = [
            *(allow_from(name, group.id, flow, child) for flow in args.ingress),
            *(allow_to(name, group.id, flow, child) for flow in args.egress),
        ]
        # What is made with the group is made after its rules, or it would start with no way out.
        self.group_id = pulumi.Output.all(group.id, *(rule.id for rule in rules)).apply(
            lambda ids: str(ids[0])
        )
        self.register_outputs({})
