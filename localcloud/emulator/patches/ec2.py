"""EC2: what a VPC is born with, which subnets it takes, and what keeps its parts alive.

moto's subnets may be of any size, its first subnet of a zone gives public addresses, and it deletes
what is in use.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, PLR0913, PLR0917

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from ipaddress import ip_network
from typing import Any, Final

from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidSubnetRangeError,
)
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.elbv2.models import elbv2_backends

from localcloud.emulator.patches.wrapping import Function, around

# VPC User Guide, "Subnet CIDR blocks".
SUBNET_PREFIXES: Final = range(16, 29)


def _create_vpc(original: Function, self: Any, *args: Any, **kwargs: Any) -> Any:
    """The default group lets its members reach each other (VPC User Guide, "Default security
    groups for your VPCs"); moto's has no such rule.
    """
    vpc = original(self, *args, **kwargs)
    group = self.get_default_security_group(vpc.id)
    among_themselves = [{"GroupId": group.id}]
    self.authorize_security_group_ingress(
        group.id, "-1", None, None, [], source_groups=among_themselves
    )
    return vpc


def _delete_vpc(original: Function, self: Any, vpc_id: str) -> Any:
    self.get_vpc(vpc_id)
    groups = [one.id for one in self.groups[vpc_id].values() if not one.is_default]
    endpoints = [
        one.id
        for one in self.vpc_end_points.values()
        if one.vpc_id == vpc_id and one.state != "deleted"
    ]
    if groups or endpoints:
        raise DependencyViolationError(
            f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
        )
    return original(self, vpc_id)


def _create_subnet(
    original: Function,
    self: Any,
    vpc_id: str,
    cidr_block: str,
    ipv6_cidr_block: str | None = None,
    availability_zone: str | None = None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    if cidr_block and ip_network(cidr_block, strict=False).prefixlen not in SUBNET_PREFIXES:
        raise InvalidSubnetRangeError(cidr_block)
    if availability_zone and not availability_zone.startswith(self.region_name):
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Value ({availability_zone}) for parameter availabilityZone is invalid.",
        )
    subnet = original(self, vpc_id, cidr_block, ipv6_cidr_block, availability_zone, *args, **kwargs)
    if not self.get_vpc(vpc_id).is_default:
        subnet.default_for_az = subnet.map_public_ip_on_launch = False
    return subnet


def _delete_subnet(original: Function, self: Any, subnet_id: str) -> Any:
    used = any(eni.subnet.id == subnet_id for eni in self.enis.values()) or any(
        subnet.id == subnet_id for balancer in _balancers(self) for subnet in balancer.subnets
    )
    if used:
        raise DependencyViolationError(
            f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
        )
    return original(self, subnet_id)


def _delete_security_group(
    original: Function, self: Any, name: str | None = None, group_id: str | None = None
) -> Any:
    group = self.get_security_group_by_name_or_id(group_id or name)
    if group is not None and not group.is_default and next(_users(self, group), None):
        raise DependencyViolationError(f"resource {group.id} has a dependent object")
    return original(self, name, group_id)


def _users(self: Any, group: Any) -> Iterator[str]:
    """What stands on the group: a rule of another group, a load balancer, an endpoint."""
    for other in self.groups[group.vpc_id].values():
        rules = [*other.ingress_rules, *other.egress_rules]
        if other is not group and group.id in [rule.source_group.get("GroupId") for rule in rules]:
            yield other.id
    for balancer in _balancers(self):
        if group.id in (balancer.security_groups or []):
            yield balancer.arn
    for endpoint in self.vpc_end_points.values():
        if endpoint.state != "deleted" and group.id in endpoint.security_group_ids:
            yield endpoint.id


def _balancers(self: Any) -> list[Any]:
    return list(elbv2_backends[self.account_id][self.region_name].load_balancers.values())


def _new_rule(original: Function, self: Any, *args: Any, **kwargs: Any) -> None:
    original(self, *args, **kwargs)
    given = signature(original).bind(self, *args, **kwargs).arguments
    self.prefix_list_text = (given.get("prefix_list_id") or {}).get("Description")


def _description(rule: Any) -> Any:
    """A rule's text, whatever its source is; moto shows it of address ranges only."""
    text = rule.ip_range.get("Description") or rule.source_group.get("Description")
    return text or rule.prefix_list_text


def _same_rule(_original: Function, self: Any, other: Any) -> bool:
    """Two rules that differ in their description only are one: AWS refuses the second."""

    def key(rule: Any) -> tuple[Any, ...]:
        ports = () if rule.ip_protocol == "-1" else (rule.from_port, rule.to_port)
        source = rule.source_group.get("GroupId"), rule.prefix_list_id
        return rule.ip_protocol, ports, rule.cidr_ipv4, rule.cidr_ipv6, source

    return key(self) == key(other)


def _modify_rules(original: Function, self: Any, group_id: str, rules: dict[str, Any]) -> None:
    """Moto changes an address range only, and puts every description there."""
    original(self, group_id, rules)
    group = self.get_security_group_from_id(group_id)
    for rule_id, new in rules.items():
        rule = group.get_rule(rule_id)
        if not rule.source_group and not rule.prefix_list_id:
            continue
        if {"CidrIpv4", "CidrIpv6"} & set(new):
            raise EC2ClientError(
                "InvalidParameterValue", f"Invalid rule type for security group rule '{rule_id}'."
            )
        text = rule.ip_range.pop("Description", None)
        rule.prefix_list_text = text
        if rule.source_group:
            rule.source_group["Description"] = text
            rule.source_group["GroupId"] = new["ReferencedGroupId"]
        else:
            rule.prefix_list_id = new["PrefixListId"]


def patch() -> None:
    """Change moto in this process."""
    around(VPCBackend, "create_vpc")(_create_vpc)
    around(VPCBackend, "delete_vpc")(_delete_vpc)
    around(SubnetBackend, "create_subnet")(_create_subnet)
    around(SubnetBackend, "delete_subnet")(_delete_subnet)
    around(SecurityGroupBackend, "delete_security_group")(_delete_security_group)
    around(SecurityGroupBackend, "modify_security_group_rules")(_modify_rules)
    around(SecurityGroupRule, "__init__")(_new_rule)
    around(SecurityGroupRule, "__eq__")(_same_rule)
    SecurityGroupRule.description = property(_description)  # type: ignore[assignment,method-assign]
