"""A tenant's tables in the terms of Iceberg and Arrow."""

from __future__ import annotations

import pyarrow as pa  # type: ignore[import-untyped]
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform

from tenancy.lake import LakeTable

_FIRST_PARTITION_FIELD = 1000  # Iceberg specification, "Partition Specs"


def schema_of(table: LakeTable) -> Schema:
    """The Iceberg schema of a table; every column but the key is optional."""
    fields = [
        {
            "id": number,
            "name": column.name,
            "type": column.type,
            "required": False,
            "doc": column.description,
        }
        for number, column in enumerate(table.columns, start=1)
    ]
    return Schema.model_validate({"type": "struct", "schema-id": 0, "fields": fields})


def partitions_of(table: LakeTable, schema: Schema) -> PartitionSpec:
    """How the table is partitioned, in Iceberg's terms."""
    return PartitionSpec(
        *(
            PartitionField(
                source_id=schema.find_field(part.column).field_id,
                field_id=number,
                transform=parse_transform(part.transform),
                name=f"{part.column}_{part.transform.partition('[')[0]}",
            )
            for number, part in enumerate(table.partition_by, start=_FIRST_PARTITION_FIELD)
        )
    )


def share_of(rows: pa.Table, part: LakeTable) -> pa.Table:
    """The part's columns of the rows, in its types."""
    schema = schema_of(part).as_arrow()
    return rows.select(schema.names).cast(schema)
