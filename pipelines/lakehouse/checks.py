"""What is checked of each asset after it was written, in the same run and as the same tenant."""

from collections.abc import Iterator

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    ResourceParam,
    asset_check,
)

from pipelines.catalog import TenantCatalog
from pipelines.lakehouse.acting import Acting
from pipelines.lakehouse.assets import EVENTS, HISTORY
from pipelines.schemas import schema_of


def _schema_check(template: str) -> AssetChecksDefinition:
    @asset_check(
        asset=template,
        name="schema",
        description="Each table has the columns of its template, in their order and types.",
    )
    def schema(
        context: AssetCheckExecutionContext, acting: ResourceParam[Acting]
    ) -> AssetCheckResult:
        differing = list(differing_tables(acting.catalog(context.partition_key), template))
        return AssetCheckResult(passed=not differing, metadata={"differing": differing})

    return schema


def differing_tables(catalog: TenantCatalog, template: str) -> Iterator[str]:
    """The tables of a template that have other columns than it."""
    for part in catalog.lake.parts(template):
        wanted, found = (
            [(field.name, field.field_type) for field in schema.fields]
            for schema in (schema_of(part), catalog.load(part.name).schema())
        )
        if wanted != found:
            yield part.name


def _rows_check(template: str) -> AssetChecksDefinition:
    @asset_check(
        asset=template,
        name="rows",
        description="No key is there twice, and public and restricted part have the same ones.",
    )
    def rows(
        context: AssetCheckExecutionContext, acting: ResourceParam[Acting]
    ) -> AssetCheckResult:
        catalog = acting.catalog(context.partition_key)
        public, *others = catalog.lake.parts(template)
        key = public.columns[0].name
        keys = catalog.read(public.name)[key].to_pylist()
        repeated = len(keys) - len(set(keys))
        unmatched = {
            part.name: len(set(keys) ^ set(catalog.read(part.name)[key].to_pylist()))
            for part in others
        }
        return AssetCheckResult(
            passed=not repeated and not any(unmatched.values()),
            metadata={"rows": len(keys), "repeated": repeated, "unmatched": unmatched},
        )

    return rows


checks = tuple(
    make(template) for template in (EVENTS, HISTORY) for make in (_schema_check, _rows_check)
)
