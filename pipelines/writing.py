"""Changes of several Iceberg tables of one catalog, in one commit: all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa  # type: ignore[import-untyped]
from pydantic import BaseModel, Field
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, ForbiddenError
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import CommitTableRequest, Namespace, Table, TableIdentifier, Transaction
from pyiceberg.table.update import AssertTableUUID

if TYPE_CHECKING:
    from requests import Response

BATCHES = "tenancy.batches"
"""Table property: digests of the newest batches that were added, oldest first. Not in snapshots: of
those Nessie shows a client the newest only.
"""
REMEMBERED = 1_000
"""Batches; an older one that is repeated is added again."""

_T = TypeVar("_T")
_ATTEMPTS = 10  # of which each but the last lost a race against another commit

_REFUSED = '"AccessCheckException"'  # Nessie 0.99.0 says it in the body of a 500


class _Commit(BaseModel):
    """Iceberg REST specification, ``CommitTransactionRequest``."""

    table_changes: list[CommitTableRequest] = Field(serialization_alias="table-changes")


@dataclass(frozen=True)
class Change:
    """``rows`` are added to a table, and those that match ``instead_of`` are removed."""

    rows: pa.Table
    instead_of: BooleanExpression | None = None


Name = tuple[str, str]
"""Namespace and name of a table."""
Decide = Callable[[Mapping[Name, Table]], Mapping[Name, Change]]
"""What becomes of the tables, given how they are. Asked again where others committed meanwhile."""


def commit_to_all(
    catalog: RestCatalog, names: Collection[Name], decide: Decide, batch: str
) -> bool:
    """Change each of the tables, once for each batch.

    Args:
        catalog: which must know the call ``transactions/commit``.
        names: the tables.
        decide: see `Decide`.
        batch: names the change.

    Returns:
        False when the first of the tables has that batch already.

    Raises:
        CommitFailedException: others committed all the time. Nothing was changed.
        CommitStateUnknownException: the catalog did not say what became of the commit; ask again
            with the same batch.
        ForbiddenError: the catalog refuses it.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        tables = _at_once(catalog.load_table, names)
        if _digest(batch) in batches_of(next(iter(tables.values()))):
            return False
        begun = _begun(tables, decide(tables), batch)
        try:
            _commit(catalog, begun)
        except CommitFailedException:
            _clean(begun)
            if attempt == _ATTEMPTS:
                raise
        except ForbiddenError:
            _clean(begun)
            raise
        else:
            return True
    raise AssertionError  # the loop ends by itself


def batches_of(table: Table) -> list[str]:
    """The digests of the batches that the table remembers."""
    return table.properties.get(BATCHES, "").split()


def _digest(batch: str) -> str:
    return sha256(batch.encode()).hexdigest()[:12]


def _begun(
    tables: Mapping[Name, Table], changes: Mapping[Name, Change], batch: str
) -> list[Transaction]:
    """The changes, with their files written."""
    begun = _at_once(lambda name: _changing(tables[name], changes[name], batch), changes)
    return list(begun.values())


def _at_once(call: Callable[[Name], _T], names: Collection[Name]) -> dict[Name, _T]:
    """What the call gives for each; most of it is waiting, or Parquet, outside of Python."""
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(call, names), strict=True))


def _changing(table: Table, change: Change, batch: str) -> Transaction:
    begun = table.transaction()
    if change.instead_of is None or table.current_snapshot() is None:
        begun.append(change.rows)
    else:
        begun.overwrite(change.rows, change.instead_of)
    # Two of these at once do not overwrite each other's list: the second must begin anew, since
    # the newest snapshot is not the one that it was based on.
    remembered = [*batches_of(table), _digest(batch)][-REMEMBERED:]
    begun.set_properties({BATCHES: " ".join(remembered)})
    return begun


def _commit(catalog: RestCatalog, begun: list[Transaction]) -> None:
    # pyiceberg 0.12 has no commit of several tables; these are the parts that its own is made of.
    changes = [
        CommitTableRequest(
            identifier=TableIdentifier(namespace=Namespace(list(name[:-1])), name=name[-1]),
            requirements=(
                *each._requirements,  # noqa: SLF001 - see above
                AssertTableUUID(uuid=each.table_metadata.table_uuid),
            ),
            updates=each._updates,  # noqa: SLF001
        )
        for each in begun
        for name in [each._table.name()]  # noqa: SLF001
    ]
    answer: Response = catalog._session.post(  # noqa: SLF001
        catalog.url("transactions/commit"),
        data=_Commit(table_changes=changes).model_dump_json(by_alias=True).encode(),
    )
    status = answer.status_code
    if status == HTTPStatus.CONFLICT:
        raise CommitFailedException("another commit came first")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or _REFUSED in answer.text:
        raise ForbiddenError("the catalog refuses the commit")
    if not answer.ok:
        raise CommitStateUnknownException(f"the catalog answered {status}")


def _clean(begun: list[Transaction]) -> None:
    """Delete the files of a commit that certainly was not made."""
    for each in begun:
        for producer in each._snapshot_producers:  # noqa: SLF001
            producer._clean_all_uncommitted()  # noqa: SLF001
