"""Observations become versions: public parts begin and end, restricted ones only begin."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from pipelines.lakehouse import source
from pipelines.lakehouse.history import CURRENT, ENTITY, VALID_TO, VERSION, OutOfOrderError
from pipelines.schemas import schema_of
from pipelines.versions import IS_CURRENT, changed_versions
from tenancy.estate import load_estate
from tenancy.lake import LakeTable, lake_of
from tests.estates import ROOT

FIRST = source.observations(None)
SECOND = source.observations(datetime(2012, 12, 31, tzinfo=UTC))


@pytest.fixture(scope="module")
def parts() -> tuple[LakeTable, ...]:
    """Of the project's own template."""
    tenant = load_estate(Path(ROOT)).stack("local").tenants[0]
    return lake_of(tenant, "https://catalog.example.com").parts("scd_type2")


def nothing(part: LakeTable) -> pa.Table:
    return schema_of(part).as_arrow().empty_table()


def test_the_first_observations_all_begin_a_version(parts: tuple[LakeTable, ...]) -> None:
    public, restricted = parts
    begun, changes = changed_versions(nothing(public), FIRST, parts)
    assert begun == FIRST.num_rows == 366
    of_public, of_restricted = changes[public.identifier], changes[restricted.identifier]
    assert set(of_public.rows[CURRENT].to_pylist()) == {True}
    assert of_restricted.rows[VERSION] == of_public.rows[VERSION]
    assert of_public.instead_of == IS_CURRENT
    assert of_restricted.instead_of is None
    assert "record" not in of_public.rows.column_names


def test_a_change_ends_a_version_and_begins_one_and_what_is_equal_stays(
    parts: tuple[LakeTable, ...],
) -> None:
    public, restricted = parts
    known = changed_versions(nothing(public), FIRST, parts)[1][public.identifier].rows
    begun, changes = changed_versions(known, SECOND, parts)
    rows = changes[public.identifier].rows.to_pylist()
    current = [row[ENTITY] for row in rows if row[CURRENT]]
    assert len(current) == len(set(current)) == 366
    ended = [row for row in rows if not row[CURRENT]]
    assert len(ended) == begun == changes[restricted.identifier].rows.num_rows
    assert 0 < begun <= 365
    assert all(row[VALID_TO].year == 2013 for row in ended)
    again, _ = changed_versions(
        pa.Table.from_pylist([row for row in rows if row[CURRENT]], schema=known.schema),
        SECOND,
        parts,
    )
    assert again == 0


def test_what_is_older_than_what_is_known_is_refused(parts: tuple[LakeTable, ...]) -> None:
    public, _ = parts
    known = changed_versions(nothing(public), SECOND, parts)[1][public.identifier].rows
    with pytest.raises(OutOfOrderError):
        changed_versions(known, FIRST, parts)
