"""AWS Glue's data catalog."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: D101, D102, S105

from __future__ import annotations

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import TAGS, ApiResource, Property, Tagging, declare
from localcloud.aws_plugin.values import Properties

CATALOG = Property(computed=True, replace=True)


class Catalogued(ApiResource):
    """Something in a catalog: the account's own, when none is named."""

    service = "glue"

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {**inputs, "catalogId": inputs.get("catalogId") or cloud.account}

    def arn(self, cloud: Cloud, values: Properties, resource: str) -> str:
        region = values.get("region") or cloud.region
        account = values.get("catalogId") or cloud.account
        return cloud.arn("glue", resource, region=region, account=account)


@register
class CatalogDatabase(Catalogued):
    token = "aws:glue/catalogDatabase:CatalogDatabase"
    id_format = "{catalogId}:{name}"
    properties = declare(
        name=Property(required=True, replace=True),
        catalogId=CATALOG,
        description=Property(),
        locationUri=Property(computed=True),
        parameters=Property(),
        createTableDefaultPermissions=Property(
            computed=True, names={"principal": "Principal", "permissions": "Permissions"}
        ),
        targetDatabase=Property(),
        tags=TAGS,
    )
    outputs = ("arn",)
    inside = "DatabaseInput"
    create_call = "create_database"
    read_call = "get_database"
    read_path = "Database"
    update_call = "update_database"
    delete_call = "delete_database"
    tagging = Tagging("tag_resource", "untag_resource", "get_tags", "ResourceArn")

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {"arn": self.arn(cloud, inputs, f"database/{inputs['name']}")}


@register
class CatalogTable(Catalogued):
    token = "aws:glue/catalogTable:CatalogTable"
    id_format = "{catalogId}:{databaseName}:{name}"
    properties = declare(
        name=Property(required=True, replace=True),
        databaseName=Property(required=True, replace=True),
        catalogId=CATALOG,
        description=Property(),
        owner=Property(),
        parameters=Property(),
        partitionKeys=Property(),
        retention=Property(default=0),
        storageDescriptor=Property(names={"serDeInfo": "SerdeInfo"}),
        tableType=Property(),
        targetTable=Property(),
        viewExpandedText=Property(),
        viewOriginalText=Property(),
    )
    outputs = ("arn",)
    inside = "TableInput"
    create_call = "create_table"
    read_call = "get_table"
    read_path = "Table"
    update_call = "update_table"
    delete_call = "delete_table"

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        path = f"table/{inputs['databaseName']}/{inputs['name']}"
        return {"arn": self.arn(cloud, inputs, path)}
