"""No security group is open to everybody."""

from collections.abc import Iterator

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings, known
from policies.statements import listed

_RULES = (
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
)
_GROUPS = (
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
)
_RANGES = ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    rules = []
    if resource.type in _RULES:
        rules.append(resource.inputs)
    elif resource.type in _GROUPS:
        rules += [*listed(resource.inputs.get("ingress")), *listed(resource.inputs.get("egress"))]
    for rule in rules:
        for name in _RANGES:
            for cidr in listed(rule.get(name)):
                if str(known(cidr)).endswith("/0"):
                    yield f"is open to {cidr}"


RULE = ResourceRule(
    name="no-open-security-group",
    description="No security group lets in or out to every address.",
    remedy="name the range or the security group that is meant",
    find=_find,
)
