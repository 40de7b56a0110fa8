"""Refuses to restrict a column whose values deployed files already hold for every reader.

Restricting it would govern new files only: old ones, their snapshots and statistics would still
show it to whoever may get the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onboarding.errors import Refused
from onboarding.state import TENANT_TYPE, StackState
from tenancy.errors import Problem
from tenancy.estate import StackPlan


@dataclass(frozen=True)
class OpenColumns:
    """The columns of one deployed tenant that its reader sees, by table template."""

    tenant: str
    tables: Mapping[str, Sequence[str]]


def deployed_columns(state: StackState) -> tuple[OpenColumns, ...]:
    """The open columns of each tenant in a stack's state."""
    return tuple(
        OpenColumns(tenant.name, tenant.outputs.get("public_columns", {}))
        for tenant in state.of_type(TENANT_TYPE)
    )


def check(deployed: Iterable[OpenColumns], plans: Iterable[StackPlan]) -> None:
    """Compare the deployed columns with those that the files restrict.

    Raises:
        Refused: with every column that is open and would become restricted.
    """
    restricted = {
        (settings.id, table.template, column.name)
        for plan in plans
        for settings in plan.tenants
        for table in settings.tables
        for column in table.columns
        if column.access_level == "restricted"
    }
    problems = [
        Problem(
            f"tenants/{tenant.tenant}.yaml",
            f"access_overrides.{table}.{column}",
            f"column {column} of {table} is deployed as public for tenant {tenant.tenant}: files"
            " already written would still show it to every reader",
            "keep it public and add the restricted column under a new name in"
            f" table-templates/{table}.yaml; or, to start the embedded cloud over:"
            " make down CLEAR=1",
        )
        for tenant in deployed
        for table, columns in tenant.tables.items()
        for column in columns
        if (tenant.tenant, table, column) in restricted
    ]
    if problems:
        raise Refused(problems)
