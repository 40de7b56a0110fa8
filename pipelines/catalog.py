"""A tenant's tables, for whoever a token says: catalog and storage as its own role, nothing more.

    lakehouse = Lakehouse.read(Path(".local/data-plane/data-plane.json"))
    catalog = lakehouse.catalog_for(token)
    catalog.make_tables()
    catalog.append("event_stream", rows, batch="2026-01-01")
    catalog.read("event_stream")

The tenant is the token's, never a parameter. Whether an access is allowed is decided by the catalog
and by storage: nothing here is asked to keep tenants apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pydantic import TypeAdapter
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, TableAlreadyExistsError
from pyiceberg.table import Table

from pipelines.audit import audited
from pipelines.gateway.tokens import Verifier, acts_for
from pipelines.schemas import partitions_of, schema_of, share_of
from pipelines.storage import Storage
from pipelines.versions import IS_CURRENT, changed_versions
from pipelines.writing import Change, Name, commit_to_all
from tenancy.lake import LakeTable, TenantLake
from tenancy.names import RoleKind

_LAKES = TypeAdapter(dict[str, TenantLake])


@dataclass(frozen=True)
class Lakehouse:
    """Who signs tokens, where storage is, and each tenant's lake."""

    verifier: Verifier
    storage: Storage
    lakes: Mapping[str, TenantLake]

    @classmethod
    def read(cls, description: Path) -> Lakehouse:
        """As ``tenancy local start --data-plane`` described it.

        Raises:
            OSError, ValueError: there is no such file, or it says something else.
        """
        return cls.of(json.loads(description.read_text(encoding="utf-8")))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Lakehouse:
        """As `tenancy.lake.description` says it.

        Raises:
            ValueError: it says something else.
        """
        identity = given["identity"]
        return cls(
            Verifier(identity["issuer"], identity["audience"], identity["public_key"]),
            Storage(given["s3"]["endpoint"], given["s3"]["region"]),
            _LAKES.validate_python(given["lakes"]),
        )

    def catalog_for(self, token: str, branch: str = "") -> TenantCatalog:
        """The catalog of the token's tenant, in the token's roles, on a branch of it.

        Raises:
            pipelines.gateway.refusal.Refused: the token does not hold, or names no tenant.
        """
        claims = self.verifier([f"Bearer {token}"])
        tenant, roles = acts_for(claims, self.lakes)
        return TenantCatalog(
            self.lakes[tenant], claims.subject, roles, self.storage, claims.ends, branch, token
        )


@dataclass(frozen=True)
class TenantCatalog:
    """One tenant's tables, as one bearer sees them.

    Attributes:
        ends: when the bearer's token and its storage credentials do, in seconds of Unix time.
        branch: empty for the main one.
    """

    lake: TenantLake
    subject: str
    roles: frozenset[RoleKind]
    storage: Storage
    ends: float
    branch: str = ""
    _token: str = field(default="", repr=False)

    @property
    def tenant(self) -> str:
        """The tenant's id."""
        return self.lake.tenant

    @cached_property
    def iceberg(self) -> RestCatalog:
        """A plain Iceberg client with the bearer's token and storage credentials."""
        prefix = {"prefix": f"{self.branch}%7C{self.tenant}"} if self.branch else {}
        return RestCatalog(
            self.tenant,
            uri=self.lake.catalog,
            warehouse=self.tenant,
            token=self._token,
            **prefix,
            **self.storage.properties(self._token),
        )

    @property
    def tables(self) -> tuple[LakeTable, ...]:
        """The tables that one of the roles may read, as the tenant's governance has them."""
        seen = {table.name for kind in self.roles for table in self.lake.seen_by(kind)}
        return tuple(table for table in self.lake.tables if table.name in seen)

    def make_tables(self) -> None:
        """Make the tenant's namespaces and tables that are not there yet."""
        with audited(self, "make", self.tenant):
            for name, location in self.lake.namespaces.items():
                try:
                    self.iceberg.create_namespace(name, {"location": location})
                except NamespaceAlreadyExistsError:
                    continue
            there = {
                found for name in self.lake.namespaces for found in self.iceberg.list_tables(name)
            }
            for table in self.lake.tables:
                if table.identifier not in there:
                    self._make(table)

    def _make(self, table: LakeTable) -> None:
        schema = schema_of(table)
        try:
            self.iceberg.create_table(
                table.identifier,
                schema,
                partition_spec=partitions_of(table, schema),
                properties={
                    "write.data.path": table.location.rstrip("/"),
                    "comment": table.description,
                },
            )
        except TableAlreadyExistsError:  # made by another run meanwhile
            return

    def load(self, name: str) -> Table:
        """The Iceberg table: ``event_stream``, or ``event_stream__restricted``.

        Raises:
            KeyError: the tenant has no such table.
            pyiceberg.exceptions.ForbiddenError: the catalog refuses it to the bearer.
        """
        found: Table = self.iceberg.load_table(self._table(name).identifier)
        return found

    def read(self, name: str) -> pa.Table:
        """All rows of one table."""
        with audited(self, "read", name) as entry:
            found = self.load(name).scan().to_arrow()
            entry.rows = found.num_rows
        return found

    def count(self, name: str) -> int:
        """How many rows one table has."""
        with audited(self, "count", name) as entry:
            entry.rows = int(self.load(name).scan().count())
        return entry.rows

    def newest(self, name: str, column: str) -> Any:  # noqa: ANN401 - of the column's type
        """The greatest value of a column; None where the table has none."""
        with audited(self, "read", name, column=column) as entry:
            found = self.load(name).scan(selected_fields=(column,)).to_arrow()[column]
            entry.rows = len(found)
        return pc.max(found).as_py()

    def append(self, template: str, rows: pa.Table, batch: str) -> bool:
        """Add rows with all columns of a template: to its public and restricted part, in one
        commit.

        Args:
            template: its name.
            rows: columns as of the template, public and restricted ones, each key once.
            batch: names the rows. What is there already under this name is not added again, so a
                run that did not hear of its success may be repeated.

        Returns:
            whether they were added now.

        Raises:
            KeyError: the tenant has no such template, or the rows lack a column.
            pyiceberg.exceptions.CommitFailedException: others committed all the time.
        """
        parts = self._parts(template)
        with audited(self, "append", template, batch=batch) as entry:
            changes = {part.identifier: Change(share_of(rows, part)) for part in parts}
            added = commit_to_all(self.iceberg, changes, lambda _: changes, batch)
            entry.rows = rows.num_rows if added else 0
        return added

    def merge(self, template: str, observations: pa.Table, batch: str) -> bool:
        """Add what was observed to a template that keeps history (`pipelines.lakehouse.history`):
        where an entity's public attributes changed, its current version ends and a new one begins,
        which alone has the restricted columns. In one commit, as `append`.

        Args:
            template: its name.
            observations: all columns of the template but those that tell versions apart.
            batch: names the observations, as for `append`.

        Raises:
            KeyError: as for `append`.
            pipelines.lakehouse.history.OutOfOrderError: they are older than what is known.
        """
        parts = self._parts(template)
        with audited(self, "merge", template, batch=batch) as entry:

            def decide(tables: Mapping[Name, Table]) -> Mapping[Name, Change]:
                known = tables[parts[0].identifier].scan(row_filter=IS_CURRENT).to_arrow()
                entry.rows, changes = changed_versions(known, observations, parts)
                return changes

            names = [part.identifier for part in parts]
            added = commit_to_all(self.iceberg, names, decide, batch)
            entry.rows = entry.rows if added else 0
        return added

    def _parts(self, template: str) -> tuple[LakeTable, ...]:
        found = self.lake.parts(template)
        if not found:
            raise KeyError(template)
        return found

    def _table(self, name: str) -> LakeTable:
        for table in self.lake.tables:
            if table.name == name:
                return table
        raise KeyError(name)
