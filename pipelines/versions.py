"""What observations change in the tables of a template that keeps history."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa  # type: ignore[import-untyped]
from pyiceberg.expressions import EqualTo, Reference
from pyiceberg.expressions.literals import literal

from pipelines.lakehouse.history import CURRENT, ENTITY, VALID_FROM, VERSION, merge
from pipelines.schemas import schema_of
from pipelines.writing import Change, Name
from tenancy.lake import LakeTable

IS_CURRENT = EqualTo(term=Reference(CURRENT), value=literal(True))  # noqa: FBT003 - a value
"""The rows that a merge reads, and replaces."""


def changed_versions(
    known: pa.Table, observations: pa.Table, parts: tuple[LakeTable, ...]
) -> tuple[int, Mapping[Name, Change]]:
    """How many versions begin, and the change of each part.

    Args:
        known: the current versions in the public part.
        observations: all columns of the template but those that tell versions apart.
        parts: of the template, the public one first. A restricted part has the key of versions and
            what was observed with it; what ends a version changes nothing there.

    Raises:
        pipelines.lakehouse.history.OutOfOrderError: an observation is older than what is known.
    """
    public, *restricted = parts
    hidden = {column.name for part in restricted for column in part.columns[1:]}
    sent = {(row[ENTITY], row[VALID_FROM]): row for row in observations.to_pylist()}
    merged = merge(
        known.to_pylist(),
        ({name: row[name] for name in row if name not in hidden} for row in sent.values()),
    )
    rows = [*merged.kept, *merged.opened]
    changes = {public.identifier: Change(_table(rows, public), IS_CURRENT)}
    for part in restricted:
        begun = [
            {**sent[row[ENTITY], row[VALID_FROM]], VERSION: row[VERSION]} for row in merged.opened
        ]
        changes[part.identifier] = Change(_table(begun, part))
    return len(merged.opened), changes


def _table(rows: list[dict[str, object]], part: LakeTable) -> pa.Table:
    schema = schema_of(part).as_arrow()
    return pa.Table.from_pylist(
        [{name: row[name] for name in schema.names} for row in rows], schema
    )
