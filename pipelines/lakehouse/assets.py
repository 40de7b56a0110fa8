"""The assets: each the tables of the template of its name, a partition for each tenant."""

import pyarrow.compute as pc  # type: ignore[import-untyped]
from dagster import AssetExecutionContext, ResourceParam, asset

from pipelines.lakehouse import history, source
from pipelines.lakehouse.acting import Acting
from pipelines.lakehouse.io import Batch, Writing
from pipelines.lakehouse.partitions import tenants

IO_MANAGER = "iceberg"
EVENTS, HISTORY = "event_stream", "scd_type2"


@asset(
    name=EVENTS,
    partitions_def=tenants,
    io_manager_key=IO_MANAGER,
    description="Events in the order in which they arrived; each run appends the next month's.",
    kinds={"iceberg"},
)
def event_stream(context: AssetExecutionContext, acting: ResourceParam[Acting]) -> Batch:
    """The hours of the month after the newest that is there."""
    catalog = acting.catalog(context.partition_key)
    catalog.make_tables()
    rows = source.events(catalog.tenant, catalog.newest(EVENTS, "occurred_at"))
    return Batch(f"{source.HOURS}/{_first(rows['occurred_at'], '%Y-%m')}", rows)


@asset(
    name=HISTORY,
    partitions_def=tenants,
    io_manager_key=IO_MANAGER,
    description="What was observed of each entity, with its history; each run merges a year.",
    kinds={"iceberg"},
)
def scd_type2(context: AssetExecutionContext, acting: ResourceParam[Acting]) -> Batch:
    """The days of the year after the newest that is there."""
    catalog = acting.catalog(context.partition_key)
    catalog.make_tables()
    rows = source.observations(catalog.newest(HISTORY, history.VALID_FROM))
    return Batch(f"{source.DAYS}/{_first(rows[history.VALID_FROM], '%Y')}", rows, Writing.MERGE)


def _first(times: object, form: str) -> str:
    """When the rows begin; ``none`` where there are none left to load."""
    first = pc.min(times).as_py()
    return f"{first:{form}}" if first else "none"
