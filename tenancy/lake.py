"""What runs for a tenant must know of its part of the lakehouse: which tables, and where they are.

It names no principal and holds no secret: who may do what is decided by catalog and storage.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from tenancy.access import sees_restricted
from tenancy.environment import Identity
from tenancy.governance import Column, GovernedTable, Partition
from tenancy.names import RoleKind
from tenancy.nessie import namespace
from tenancy.settings import TenantSettings


@dataclass(frozen=True)
class LakeTable:
    """A table, by template: its public or its restricted part.

    ``location`` is the S3 URL of its data files (table property ``write.data.path``). The first
    column is the key, which both parts of a template have.
    """

    template: str
    name: str
    namespace: str
    restricted: bool
    location: str
    columns: tuple[Column, ...]
    partition_by: tuple[Partition, ...]
    description: str

    @property
    def identifier(self) -> tuple[str, str]:
        """Namespace and name."""
        return (self.namespace, self.name)


@dataclass(frozen=True)
class TenantLake:
    """``catalog``: the URL of the Iceberg REST catalog. ``namespaces``: namespace -> the S3 URL
    below which the metadata of its tables lie.
    """

    tenant: str
    tier: str
    catalog: str
    bucket: str
    prefix: str
    namespaces: dict[str, str]
    tables: tuple[LakeTable, ...]

    def seen_by(self, kind: RoleKind) -> Iterator[LakeTable]:
        """The tables that a role may read."""
        return (table for table in self.tables if sees_restricted(kind) or not table.restricted)

    def parts(self, template: str) -> tuple[LakeTable, ...]:
        """The tables of a template, the public one first; empty when there is no such template."""
        found = [table for table in self.tables if table.template == template]
        return tuple(sorted(found, key=lambda table: table.restricted))


_LAKE = TypeAdapter(TenantLake)


def lake_of(settings: TenantSettings, catalog: str) -> TenantLake:
    """The tenant's lake, whose catalog answers at the URL ``catalog``."""
    nessie = settings.nessie
    return TenantLake(
        tenant=settings.id,
        tier=settings.placement.tier,
        catalog=catalog,
        bucket=settings.storage.bucket,
        prefix=settings.storage.prefix,
        namespaces={
            namespace(settings.id, restricted=False): nessie.warehouse,
            namespace(settings.id, restricted=True): nessie.restricted_warehouse,
        },
        tables=tuple(_table(settings, table) for table in settings.tables),
    )


def description(
    lakes: Iterable[TenantLake], identity: Identity, region: str, storage: str = ""
) -> dict[str, Any]:
    """What `pipelines.catalog.Lakehouse` is told, as something that JSON has.

    Args:
        lakes: those of whom it is told.
        identity: who signs tokens.
        region: of storage.
        storage: its URL, empty on AWS.
    """
    return {
        "identity": identity.model_dump(),
        "s3": {"endpoint": storage, "region": region},
        "lakes": {lake.tenant: _LAKE.dump_python(lake, mode="json") for lake in lakes},
    }


def _table(settings: TenantSettings, table: GovernedTable) -> LakeTable:
    return LakeTable(
        template=table.template,
        name=table.name,
        namespace=namespace(settings.id, restricted=table.restricted),
        restricted=table.restricted,
        location=settings.table_location(table),
        columns=table.columns,
        partition_by=table.partition_by,
        description=table.description,
    )
