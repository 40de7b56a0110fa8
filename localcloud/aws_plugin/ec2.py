"""Amazon EC2's networks: what all resources of EC2 have in common, and the VPC with its subnets."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any, ClassVar, Final

import jmespath  # type: ignore[import-untyped]
from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    URN_TAG,
    ApiResource,
    Property,
    ResourceError,
    declare,
    is_absent,
    tag_map,
    urn_tag,
)
from localcloud.aws_plugin.values import Properties, has_unknown


class Ec2Resource(ApiResource):
    """A resource whose id EC2 generates. The call that makes it also tags it, so that a later run
    finds what an interrupted one made.

    kind: its type's name in ARNs and tag specifications. made_path: where the answer of the
    creating call holds the id. ids, delete_by: the parameters of the reading and the deleting call
    that name it (a list, where the parameter's name ends in Ids). ended: the states in which EC2
    still shows what is gone.
    """

    service = "ec2"
    id_format = "{id}"
    kind: ClassVar[str]
    made_path: ClassVar[str]
    ids: ClassVar[str]
    delete_by: ClassVar[str]
    ended: ClassVar[frozenset[str]] = frozenset({"deleting", "deleted"})

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        for found in self.made_before(cloud, urn, inputs):
            self.adopt(cloud, found, inputs, untagged=True)
            return found
        made = self.begin(cloud, inputs, self.tag_specifications(urn, inputs))
        later = {
            name
            for name, declared in self.properties.items()
            if declared.by_hand
            and inputs.get(name) is not None
            and not declared.equal(declared.default, inputs[name])
        }
        if later:
            self.modify(cloud, made, {}, inputs, later)
        return made

    def made_before(self, cloud: Cloud, urn: str, inputs: Properties) -> Iterator[str]:
        """Ids of what an earlier, interrupted run made for this URN and that still exists."""
        filters = [
            {"Name": "key", "Values": [URN_TAG]},
            {"Name": "value", "Values": [urn_tag(urn)]},
        ]
        known = {"region": inputs.get("region")}
        for tag in self.client(cloud, inputs).describe_tags(Filters=filters)["Tags"]:
            if self.read(cloud, tag["ResourceId"], known) is not None:
                yield tag["ResourceId"]

    def tag_specifications(self, urn: str, inputs: Properties) -> list[dict[str, Any]]:
        """The tags that the creating call sets: the program's, and the one that finds it again."""
        tags = {**(inputs.get("tags") or {}), URN_TAG: urn_tag(urn)}
        return [{"ResourceType": self.kind, "Tags": _listed(tags)}]

    def begin(self, cloud: Cloud, inputs: Properties, tags: list[dict[str, Any]]) -> str:
        """Do the call that makes it; returns the id."""
        answer = self.call(cloud, self.create_call, inputs, TagSpecifications=tags)
        return str(jmespath.search(self.made_path, answer))

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        client = self.client(cloud, known)
        try:
            answer = getattr(client, self.read_call)(**{self.ids: [identifier]})
            found = jmespath.search(self.read_path, answer)
            if not found or jmespath.search("State || Status.Code", found) in self.ended:
                return None
            live = self.live(client, found, known)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        arn = cloud.arn(
            "ec2",
            f"{self.kind}/{identifier}",
            region=known.get("region") or cloud.region,
            account=found.get("OwnerId") or cloud.account,
        )
        return {"arn": arn, **live, "tags": tag_map(found.get("Tags", []))}

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        if "tags" in what:
            client, new = self.client(cloud, inputs), inputs.get("tags") or {}
            if gone := sorted(set(state.get("tags") or {}) - set(new)):
                client.delete_tags(Resources=[identifier], Tags=[{"Key": key} for key in gone])
            if new:
                client.create_tags(Resources=[identifier], Tags=_listed(new))
        if rest := what - {"tags"}:
            self.modify(cloud, identifier, state, inputs, rest)

    def modify(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        """Bring what is not a tag to what ``inputs`` say; right after it was made for ``by_hand``
        properties, which the creating call does not take.
        """
        raise ResourceError(f"{self.token}: {', '.join(sorted(what))} cannot be changed")

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        named = [identifier] if self.delete_by.endswith("Ids") else identifier
        try:
            answer = getattr(self.client(cloud, state), self.delete_call)(**{self.delete_by: named})
        except ClientError as error:
            if not is_absent(error):
                raise
        else:
            for failed in answer.get("Unsuccessful", []):
                if "NotFound" not in (told := failed["Error"])["Code"]:
                    raise ResourceError(f"{identifier}: {told['Code']}: {told['Message']}")


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def not_a_network(name: str, inputs: Properties) -> Iterator[tuple[str, str]]:
    """What is wrong with the CIDR range in this property: EC2 cuts off bits beyond the prefix, and
    the range would never be what was asked for (official provider, `ValidateCIDRNetworkAddress`).
    """
    if inputs.get(name) is None or has_unknown(inputs[name]):
        return
    try:
        ip_network(inputs[name])
    except ValueError as error:
        yield name, f"not a network in CIDR notation: {error}"


def per_vpc(vpc: str, **more: str) -> list[dict[str, Any]]:
    """Filters of a describe call: in this VPC, and whatever else (`_` for `-`)."""
    filters = {"vpc-id": vpc, **{name.replace("_", "-"): value for name, value in more.items()}}
    return [{"Name": name, "Values": [value]} for name, value in filters.items()]


_ATTRIBUTES: Final = ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")


@register
class Vpc(Ec2Resource):
    token = "aws:ec2/vpc:Vpc"
    kind = "vpc"
    properties = declare(
        cidrBlock=Property(required=True, replace=True),
        instanceTenancy=Property(default="default", replace=True),
        enableDnsSupport=Property(default=True, by_hand=True),
        enableDnsHostnames=Property(default=False, by_hand=True),
        enableNetworkAddressUsageMetrics=Property(default=False, by_hand=True),
        tags=TAGS,
    )
    outputs = (
        "arn",
        "defaultNetworkAclId",
        "defaultRouteTableId",
        "defaultSecurityGroupId",
        "dhcpOptionsId",
        "mainRouteTableId",
        "ownerId",
    )
    create_call = "create_vpc"
    made_path = "Vpc.VpcId"
    read_call = "describe_vpcs"
    read_path = "Vpcs[0]"
    ids = "VpcIds"
    delete_call = "delete_vpc"
    delete_by = "VpcId"

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        yield from not_a_network("cidrBlock", inputs)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        vpc = found["VpcId"]
        live = super().live(client, found, known)
        for name in _ATTRIBUTES:
            answer = client.describe_vpc_attribute(VpcId=vpc, Attribute=name)
            live[name] = answer[name[0].upper() + name[1:]]["Value"]
        groups = client.describe_security_groups(Filters=per_vpc(vpc, group_name="default"))
        acls = client.describe_network_acls(Filters=per_vpc(vpc, default="true"))
        main = [*per_vpc(vpc), {"Name": "association.main", "Values": ["true"]}]
        tables = client.describe_route_tables(Filters=main)
        live["defaultSecurityGroupId"] = groups["SecurityGroups"][0]["GroupId"]
        live["defaultNetworkAclId"] = acls["NetworkAcls"][0]["NetworkAclId"]
        live["mainRouteTableId"] = tables["RouteTables"][0]["RouteTableId"]
        live["defaultRouteTableId"] = live["mainRouteTableId"]
        return live

    def modify(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        # Names for hosts need the resolver: it goes on first, and off last.
        order = _ATTRIBUTES if inputs.get("enableDnsSupport", True) else reversed(_ATTRIBUTES)
        for name in order:
            if name in what:
                value = inputs.get(name)
                value = self.properties[name].default if value is None else value
                attribute = {name[0].upper() + name[1:]: {"Value": value}}
                self.client(cloud, inputs).modify_vpc_attribute(VpcId=identifier, **attribute)


@register
class Subnet(Ec2Resource):
    token = "aws:ec2/subnet:Subnet"
    kind = "subnet"
    properties = declare(
        vpcId=Property(required=True, replace=True),
        cidrBlock=Property(required=True, replace=True),
        availabilityZone=Property(computed=True, replace=True),
        availabilityZoneId=Property(computed=True, replace=True),
        mapPublicIpOnLaunch=Property(default=False, by_hand=True),
        tags=TAGS,
    )
    outputs = ("arn", "ownerId")
    create_call = "create_subnet"
    made_path = "Subnet.SubnetId"
    read_call = "describe_subnets"
    read_path = "Subnets[0]"
    ids = "SubnetIds"
    delete_call = "delete_subnet"
    delete_by = "SubnetId"

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        yield from not_a_network("cidrBlock", inputs)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        public = found["MapPublicIpOnLaunch"]
        return {**super().live(client, found, known), "mapPublicIpOnLaunch": public}

    def modify(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        self.client(cloud, inputs).modify_subnet_attribute(
            SubnetId=identifier,
            MapPublicIpOnLaunch={"Value": bool(inputs.get("mapPublicIpOnLaunch"))},
        )
