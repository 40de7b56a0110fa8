"""Glue: databases and tables are born with the grants that the lake's settings give.

While the settings' defaults are open, everything new gets ALL for IAMAllowedPrincipals: Lake
Formation then does nothing, and that must be visible. moto keeps the settings and never acts on
them.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

import copy
from typing import Any

from moto.glue.models import GlueBackend
from moto.lakeformation.models import lakeformation_backends

from localcloud.emulator.patches import lakeformation
from localcloud.emulator.patches.wrapping import Function, around


def _settings(glue: Any) -> dict[str, Any]:
    lake = lakeformation_backends[glue.account_id][glue.region_name]
    settings: dict[str, Any] = lake.get_data_lake_settings(glue.account_id)
    return settings


def _grant(glue: Any, defaults: list[dict[str, Any]], resource: dict[str, Any]) -> None:
    lake = lakeformation_backends[glue.account_id][glue.region_name]
    for default in defaults or []:
        if default.get("Permissions"):
            lakeformation.grant_unchecked(
                lake, default["Principal"], resource, default["Permissions"]
            )


def _create_database(
    original: Function,
    self: Any,
    database_name: str,
    database_input: dict[str, Any],
    *args: Any,
    **kwargs: Any,
) -> Any:
    settings = _settings(self)
    if "CreateTableDefaultPermissions" not in database_input:  # then Glue copies the lake's
        tables = copy.deepcopy(settings.get("CreateTableDefaultPermissions") or [])
        database_input = {**database_input, "CreateTableDefaultPermissions": tables}
    made = original(self, database_name, database_input, *args, **kwargs)
    place = {"Database": {"CatalogId": self.account_id, "Name": database_name}}
    _grant(self, settings.get("CreateDatabaseDefaultPermissions") or [], place)
    return made


def _create_table(
    original: Function, self: Any, database_name: str, table_name: str, *args: Any, **kwargs: Any
) -> Any:
    made = original(self, database_name, table_name, *args, **kwargs)
    defaults = self.get_database(database_name).input.get("CreateTableDefaultPermissions")
    place = {"CatalogId": self.account_id, "DatabaseName": database_name, "Name": table_name}
    _grant(self, defaults or [], {"Table": place})
    return made


def _update_database(
    original: Function, self: Any, database_name: str, database_input: dict[str, Any]
) -> Any:
    # An update that says nothing about the defaults leaves them as they are.
    kept = self.get_database(database_name).input.get("CreateTableDefaultPermissions")
    database_input.setdefault("CreateTableDefaultPermissions", kept)
    return original(self, database_name, database_input)


def _delete_database(original: Function, self: Any, database_name: str) -> Any:
    answer = original(self, database_name)
    lakeformation.forget(self.account_id, self.region_name, database_name)
    return answer


def _delete_table(original: Function, self: Any, database_name: str, table_name: str) -> Any:
    answer = original(self, database_name, table_name)
    lakeformation.forget(self.account_id, self.region_name, database_name, table_name)
    return answer


def patch() -> None:
    """Change moto in this process."""
    around(GlueBackend, "create_database")(_create_database)
    around(GlueBackend, "update_database")(_update_database)
    around(GlueBackend, "delete_database")(_delete_database)
    around(GlueBackend, "create_table")(_create_table)
    around(GlueBackend, "delete_table")(_delete_table)
