"""Security groups of EC2. Their rules are types of their own, in `vpc`."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D102, S105

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.ec2 import Ec2Resource, per_vpc
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    Property,
    ResourceError,
    declare,
)
from localcloud.aws_plugin.values import Properties, has_unknown

# EC2 API Reference, CreateSecurityGroup: the characters and the length in a VPC.
TEXT: Final = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")


def bad_text(name: str, inputs: Properties) -> Iterator[tuple[str, str]]:
    """What EC2 would refuse in a name or description of a group, or of a rule."""
    value = inputs.get(name)
    if value is not None and not has_unknown(value) and not TEXT.fullmatch(value):
        yield name, "up to 255 of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$* (EC2's rule)"


def revoke(client: Any, group: str, rules: list[dict[str, Any]]) -> None:
    """Take these rules (as EC2 describes them) out of the group."""
    for egress, call in (
        (True, client.revoke_security_group_egress),
        (False, client.revoke_security_group_ingress),
    ):
        ids = [rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"] is egress]
        if ids:
            call(GroupId=group, SecurityGroupRuleIds=ids)


def rules_of(client: Any, group: str) -> list[dict[str, Any]]:
    """All rules of the group, as EC2 describes them."""
    pages = client.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )
    return [rule for page in pages for rule in page["SecurityGroupRules"]]


class Group(Ec2Resource):
    """What both kinds of security groups have in common."""

    kind = "security-group"
    create_call = "create_security_group"
    made_path = "GroupId"
    read_call = "describe_security_groups"
    read_path = "SecurityGroups[0]"
    ids = "GroupIds"
    delete_call = "delete_security_group"
    delete_by = "GroupId"


@register
class SecurityGroup(Group):
    """A group is born without any rule, as the official provider makes it: EC2's own allows all
    that goes out.
    """

    token = "aws:ec2/securityGroup:SecurityGroup"
    properties = declare(
        name=Property(required=True, replace=True, api="GroupName"),
        description=Property(default="Managed by Pulumi", replace=True),
        vpcId=Property(required=True, replace=True),
        revokeRulesOnDelete=Property(default=False, write_only=True),
        tags=TAGS,
    )
    outputs = ("arn", "ownerId")

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        yield from bad_text("name", inputs)
        yield from bad_text("description", inputs)
        if str(inputs["name"]).startswith("sg-"):
            yield "name", "a group's name must not look like an id, sg-..."

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        default = self.properties["description"].default
        return {**inputs, "description": inputs.get("description") or default}

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        made = super().make(cloud, urn, inputs)
        client = self.client(cloud, inputs)
        # The rule that EC2 put in has no tags, one of a program has.
        born = [rule for rule in rules_of(client, made) if rule["IsEgress"] and not rule["Tags"]]
        revoke(client, made, born)
        return made

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        if state.get("revokeRulesOnDelete"):
            client = self.client(cloud, state)
            revoke(client, identifier, rules_of(client, identifier))
        super().remove(cloud, identifier, state)


@register
class DefaultSecurityGroup(Group):
    """The group that EC2 makes with a VPC, without any rule. It cannot be deleted: a program that
    no longer wants it leaves it as it is (official provider, `aws_default_security_group`).
    """

    token = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    properties = declare(
        vpcId=Property(required=True, replace=True),
        ingress=Property(default=[]),
        egress=Property(default=[]),
        tags=TAGS,
    )
    outputs = ("arn", "description", "name", "ownerId")

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        for name in ("ingress", "egress"):
            if inputs.get(name):
                yield name, "the default group stays without rules: give them to a group of its own"

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        found = self.client(cloud, inputs).describe_security_groups(
            Filters=per_vpc(inputs["vpcId"], group_name="default")
        )["SecurityGroups"]
        if not found:
            raise ResourceError(f"the VPC {inputs['vpcId']} does not exist in this account")
        identifier = str(found[0]["GroupId"])
        state = self.settle(cloud, self.read(cloud, identifier, inputs) or {}, inputs)
        if what := self.differences(state, inputs, {}):
            self.change(cloud, identifier, state, inputs, what)
        return identifier

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        rules = rules_of(client, found["GroupId"])
        return {
            "vpcId": found["VpcId"],
            "name": found["GroupName"],
            "description": found["Description"],
            "ownerId": found["OwnerId"],
            "ingress": [_shown(rule) for rule in rules if not rule["IsEgress"]],
            "egress": [_shown(rule) for rule in rules if rule["IsEgress"]],
        }

    def modify(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        client = self.client(cloud, inputs)
        revoke(client, identifier, rules_of(client, identifier))

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        """Nothing: EC2 deletes the group with its VPC."""


def _shown(rule: dict[str, Any]) -> Properties:
    """A rule as the official provider's state shows it, for a message about drift."""
    shown: Properties = {
        "protocol": rule["IpProtocol"],
        "fromPort": max(rule["FromPort"], 0),
        "toPort": max(rule["ToPort"], 0),
    }
    if group := rule.get("ReferencedGroupInfo", {}).get("GroupId"):
        shown |= {"self": True} if group == rule["GroupId"] else {"securityGroups": [group]}
    for property_name, name in (
        ("cidrBlocks", "CidrIpv4"),
        ("ipv6CidrBlocks", "CidrIpv6"),
        ("prefixListIds", "PrefixListId"),
    ):
        if rule.get(name):
            shown[property_name] = [rule[name]]
    return shown
