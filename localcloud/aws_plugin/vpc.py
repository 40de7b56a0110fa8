"""Rules of security groups, one by one."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.ec2 import Ec2Resource, not_a_network
from localcloud.aws_plugin.ec2_groups import bad_text, revoke
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import TAGS, Property, declare
from localcloud.aws_plugin.values import Properties

_ALL: Final = "-1"
_SOURCES: Final = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


class Rule(Ec2Resource):
    """EC2 changes a rule's ports and range in place, but not what kind of source it names."""

    kind = "security-group-rule"
    egress: ClassVar[bool]
    properties = declare(
        securityGroupId=Property(required=True, replace=True),
        description=Property(),
        ipProtocol=Property(required=True),
        fromPort=Property(),
        toPort=Property(),
        cidrIpv4=Property(),
        cidrIpv6=Property(replace=True),
        prefixListId=Property(replace=True),
        referencedSecurityGroupId=Property(replace=True),
        tags=TAGS,
    )
    outputs = ("arn", "securityGroupRuleId")
    made_path = "SecurityGroupRules[0].SecurityGroupRuleId"
    read_call = "describe_security_group_rules"
    ids = "SecurityGroupRuleIds"

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        yield from bad_text("description", inputs)
        yield from not_a_network("cidrIpv4", inputs)
        yield from not_a_network("cidrIpv6", inputs)
        if len([name for name in _SOURCES if inputs.get(name) is not None]) != 1:
            yield "", f"a rule needs exactly one of {', '.join(_SOURCES)}"
        ports = {inputs.get("fromPort") is not None, inputs.get("toPort") is not None}
        everything = str(inputs["ipProtocol"]) == _ALL
        if everything and ports != {False}:
            yield "fromPort", "ipProtocol -1 means all ports: give neither fromPort nor toPort"
        if not everything and ports != {True}:
            yield "fromPort", "a rule needs fromPort and toPort, unless ipProtocol is -1"

    def begin(self, cloud: Cloud, inputs: Properties, tags: list[dict[str, Any]]) -> str:
        text = {"Description": inputs["description"]} if inputs.get("description") else {}
        sources = {
            "cidrIpv4": ("IpRanges", "CidrIp"),
            "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
            "prefixListId": ("PrefixListIds", "PrefixListId"),
            "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
        }
        name = next(name for name in _SOURCES if inputs.get(name) is not None)
        place, member = sources[name]
        permission = {**_ports(inputs), place: [{member: inputs[name], **text}]}
        answer = getattr(self.client(cloud, inputs), self.create_call)(
            GroupId=inputs["securityGroupId"], IpPermissions=[permission], TagSpecifications=tags
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        ports = {} if found["IpProtocol"] == _ALL else found
        return {
            "securityGroupId": found["GroupId"],
            "securityGroupRuleId": found["SecurityGroupRuleId"],
            "description": found.get("Description"),
            "ipProtocol": found["IpProtocol"],
            "fromPort": ports.get("FromPort"),
            "toPort": ports.get("ToPort"),
            "cidrIpv4": found.get("CidrIpv4"),
            "cidrIpv6": found.get("CidrIpv6"),
            "prefixListId": found.get("PrefixListId"),
            "referencedSecurityGroupId": found.get("ReferencedGroupInfo", {}).get("GroupId"),
        }

    def modify(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        names = {"prefixListId": "PrefixListId", "referencedSecurityGroupId": "ReferencedGroupId"}
        names |= {"cidrIpv4": "CidrIpv4", "cidrIpv6": "CidrIpv6"}
        rule = {
            "FromPort": -1,
            "ToPort": -1,
            **_ports(inputs),
            "Description": inputs.get("description") or "",
            **{api: inputs[name] for name, api in names.items() if inputs.get(name) is not None},
        }
        self.client(cloud, inputs).modify_security_group_rules(
            GroupId=inputs["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": identifier, "SecurityGroupRule": rule}],
        )

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        if self.read(cloud, identifier, {"region": state.get("region")}) is not None:
            rule = {"SecurityGroupRuleId": identifier, "IsEgress": self.egress}
            revoke(self.client(cloud, state), state["securityGroupId"], [rule])


def _ports(inputs: Properties) -> dict[str, Any]:
    given = {"FromPort": inputs.get("fromPort"), "ToPort": inputs.get("toPort")}
    ports = {name: int(value) for name, value in given.items() if value is not None}
    return {"IpProtocol": str(inputs["ipProtocol"]), **ports}


@register
class SecurityGroupIngressRule(Rule):
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    create_call = "authorize_security_group_ingress"
    read_path = "SecurityGroupRules[?!IsEgress] | [0]"
    egress = False


@register
class SecurityGroupEgressRule(Rule):
    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    create_call = "authorize_security_group_egress"
    read_path = "SecurityGroupRules[?IsEgress] | [0]"
    egress = True
