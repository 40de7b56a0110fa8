"""Route tables of a VPC, their routes and the subnets that they serve."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.ec2 import Ec2Resource, not_a_network
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    TAGS,
    ApiResource,
    Property,
    Resource,
    declare,
    is_absent,
)
from localcloud.aws_plugin.values import Properties


@register
class RouteTable(Ec2Resource):
    token = "aws:ec2/routeTable:RouteTable"
    kind = "route-table"
    properties = declare(vpcId=Property(required=True, replace=True), tags=TAGS)
    outputs = ("arn", "ownerId")
    create_call = "create_route_table"
    made_path = "RouteTable.RouteTableId"
    read_call = "describe_route_tables"
    read_path = "RouteTables[0]"
    ids = "RouteTableIds"
    delete_call = "delete_route_table"
    delete_by = "RouteTableId"


_TARGETS: Final = ("vpcPeeringConnectionId", "gatewayId", "natGatewayId", "transitGatewayId")


@register
class Route(ApiResource):
    token = "aws:ec2/route:Route"
    service = "ec2"
    id_format = "{routeTableId}_{destinationCidrBlock}"
    properties = declare(
        routeTableId=Property(required=True, replace=True),
        destinationCidrBlock=Property(required=True, replace=True),
        **{name: Property() for name in _TARGETS},
    )
    outputs = ("origin", "state")
    create_call = "create_route"
    update_call = "replace_route"
    delete_call = "delete_route"

    def validate(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        yield from not_a_network("destinationCidrBlock", inputs)
        if len([name for name in _TARGETS if inputs.get(name) is not None]) != 1:
            yield "", f"a route needs exactly one target of {', '.join(_TARGETS)}"

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        key = self.key(identifier, known)
        client = self.client(cloud, known)
        try:
            tables = client.describe_route_tables(RouteTableIds=[key["routeTableId"]])
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        for found in tables["RouteTables"][0]["Routes"]:
            if found.get("DestinationCidrBlock") == key["destinationCidrBlock"]:
                return {**key, **self.live(client, found, known)}
        return None


@register
class RouteTableAssociation(Resource):
    """The table that a subnet uses. An update would give the association another id, so another
    table is another association.
    """

    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    service = "ec2"
    properties = declare(
        routeTableId=Property(required=True, replace=True),
        subnetId=Property(required=True, replace=True),
    )

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        client = self.client(cloud, inputs)
        found = self._found(client, "subnet-id", inputs["subnetId"])
        if found is not None and found["RouteTableId"] == inputs["routeTableId"]:
            return str(found["RouteTableAssociationId"])
        answer = client.associate_route_table(
            RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"]
        )
        return str(answer["AssociationId"])

    @staticmethod
    def _found(client: Any, by: str, value: str) -> Any:
        tables = client.describe_route_tables(
            Filters=[{"Name": f"association.{by}", "Values": [value]}]
        )["RouteTables"]
        associations = [one for table in tables for one in table["Associations"]]
        fields = ("SubnetId", "RouteTableAssociationId")
        wanted = (one for one in associations if value in [one.get(name) for name in fields])
        return next(wanted, None)

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        client = self.client(cloud, known)
        found = self._found(client, "route-table-association-id", identifier)
        if found is None:
            return None
        return {"routeTableId": found["RouteTableId"], "subnetId": found.get("SubnetId")}

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            self.client(cloud, state).disassociate_route_table(AssociationId=identifier)
        except ClientError as error:
            if not is_absent(error):
                raise
