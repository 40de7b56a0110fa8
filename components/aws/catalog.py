"""A tenant's tables in Glue, and who may use them by Lake Formation."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.aws.parts import LakeParts
from tenancy.access import LAKE_FORMATION_GRANTS, catalog_arns, sees_restricted
from tenancy.claims import Claims
from tenancy.governance import GovernedTable
from tenancy.names import RoleKind
from tenancy.settings import OwnDatabase, TenantSettings

PUBLIC, RESTRICTED = "public", "restricted"
"""The values of a tenant's tag in Lake Formation: who may see a table."""

_PARQUET_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_PARQUET_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


@dataclass(frozen=True)
class TenantCatalogArgs:
    """``shared_database``: the name of the database that a soft tenant's tables go to."""

    settings: TenantSettings
    lake: LakeParts
    role_arns: Mapping[RoleKind, pulumi.Output[str]]
    shared_database: pulumi.Output[str] | None


class TenantCatalog(pulumi.ComponentResource):
    """Tables from the templates, each with its access level in a tag of the tenant's own.

    Grants go by tag, so they are as many for a hundred tables as for one. What has no tag is
    granted to nobody; a database has none, since its tables would have it too.
    """

    def __init__(
        self, name: str, args: TenantCatalogArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:TenantCatalog", name, None, opts)
        self._name, self._args, self._child = name, args, ResourceOptions(parent=self)
        database = self._database()
        tag = aws.lakeformation.LfTag(
            f"{name}-tag",
            catalog_id=args.lake.catalog_id,
            key=args.settings.names.lake_tag(args.settings.id),
            values=[PUBLIC, RESTRICTED],
            opts=self._child,
        )
        self._tag: pulumi.Output[str] = tag.key
        for table in args.settings.tables:
            self._table(database, table)
        for kind, role_arn in args.role_arns.items():
            self._grants(database, kind, role_arn)
        claims = Claims(tenant=args.settings.id, owns=catalog_arns(args.settings))
        self.register_outputs({"claims": claims.to_json()})

    def _database(self) -> pulumi.Output[str]:
        settings, lake = self._args.settings, self._args.lake
        if not isinstance(settings.catalog, OwnDatabase):
            if self._args.shared_database is None:
                msg = f"tenant {settings.id} shares a database and the stack has none"
                raise ValueError(msg)
            return self._args.shared_database
        database = aws.glue.CatalogDatabase(
            f"{self._name}-database",
            name=settings.catalog.database,
            description=f"Tables of {settings.id}",
            catalog_id=lake.catalog_id,
            opts=self._child,
        )
        name: pulumi.Output[str] = database.name
        return name

    def _table(self, database: pulumi.Output[str], governed: GovernedTable) -> None:
        settings, lake = self._args.settings, self._args.lake
        resource = f"{self._name}-{governed.name}"
        # A registration that pipelines sync after a commit: what they write into it is theirs, or
        # a refresh would undo it.
        table = aws.glue.CatalogTable(
            resource,
            name=settings.table_name(governed),
            database_name=database,
            catalog_id=lake.catalog_id,
            description=governed.description,
            table_type="EXTERNAL_TABLE",
            parameters={"tenancy.template": governed.template},
            storage_descriptor={
                "location": settings.table_location(governed),
                "input_format": _PARQUET_INPUT,
                "output_format": _PARQUET_OUTPUT,
                "ser_de_info": {"serialization_library": _PARQUET_SERDE},
                "columns": [
                    {"name": column.name, "type": column.glue_type, "comment": column.description}
                    for column in governed.columns
                ],
            },
            opts=ResourceOptions(parent=self, ignore_changes=["parameters", "storageDescriptor"]),
        )
        aws.lakeformation.ResourceLfTags(
            f"{resource}-tags",
            catalog_id=lake.catalog_id,
            table={"database_name": database, "name": table.name},
            lf_tags=[{"key": self._tag, "value": RESTRICTED if governed.restricted else PUBLIC}],
            opts=self._child,
        )

    def _grants(
        self, database: pulumi.Output[str], kind: RoleKind, role_arn: pulumi.Output[str]
    ) -> None:
        lake = self._args.lake
        aws.lakeformation.Permissions(
            f"{self._name}-{kind}-database",
            catalog_id=lake.catalog_id,
            principal=role_arn,
            permissions=["DESCRIBE"],
            database={"name": database},
            opts=self._child,
        )
        levels = [PUBLIC, RESTRICTED] if sees_restricted(kind) else [PUBLIC]
        aws.lakeformation.Permissions(
            f"{self._name}-{kind}-tables",
            catalog_id=lake.catalog_id,
            principal=role_arn,
            permissions=list(LAKE_FORMATION_GRANTS[kind]),
            lf_tag_policy={
                "resource_type": "TABLE",
                "expressions": [{"key": self._tag, "values": levels}],
            },
            opts=self._child,
        )
