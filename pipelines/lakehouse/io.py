"""How assets reach tables: what one returns is written as its run's tenant, and read so too."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa  # type: ignore[import-untyped]
from dagster import InputContext, IOManager, OutputContext

from pipelines.lakehouse.acting import Acting


class Writing(StrEnum):
    """How rows come into a table."""

    APPEND = "append"
    MERGE = "merge"


@dataclass(frozen=True)
class Batch:
    """Rows with all columns of a template. ``name`` tells a repetition: it adds nothing."""

    name: str
    rows: pa.Table
    writing: Writing = Writing.APPEND


class IcebergIOManager(IOManager):
    """Keeps an asset in the tables of the template of the same name, a partition in its tenant's
    part of the lakehouse, both with the public and the restricted columns. What a run records of
    it are numbers and names, never a value.
    """

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def handle_output(self, context: OutputContext, batch: Batch) -> None:
        """Write the batch: all of it or nothing, and once."""
        catalog = self._acting.catalog(context.asset_partition_key)
        template = context.asset_key.path[-1]
        added = False
        if batch.rows.num_rows:
            write = catalog.merge if batch.writing is Writing.MERGE else catalog.append
            added = write(template, batch.rows, batch.name)
        context.add_output_metadata(
            {
                "batch": batch.name,
                "rows_offered": batch.rows.num_rows,
                "added": added,
                "dagster/row_count": catalog.count(template),
                "written_as": catalog.subject,
            }
        )

    def load_input(self, context: InputContext) -> pa.Table:
        """The public part."""
        catalog = self._acting.catalog(context.asset_partition_key)
        return catalog.read(context.asset_key.path[-1])
