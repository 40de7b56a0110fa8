"""Real data to fill tables with: weather in Seattle, as the package ``vega_datasets`` ships it.

It is read in batches, each the one that follows what a table has, as a feed would bring it: hours
of 2010 by the month, days of 2012 to 2015 by the year (NOAA; vega-datasets, "seattle-temps" and
"seattle-weather").
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv

HOURS, DAYS = "seattle-temps", "seattle-weather"

_IDS = UUID("4a5b7f0a-63bb-4f0c-bd0c-0e4b7a2f9d52")
"""The namespace of ids of events (RFC 9562, version 5)."""


class NoDataSetError(Exception):
    """The package with the data set is not installed."""


def events(tenant: str, after: datetime | None) -> pa.Table:
    """Rows of ``event_stream``: the hours of the month after ``after``, of the first month for
    None, of none when there is no more.
    """
    now = datetime.now(UTC)
    hours = [
        {
            "event_id": str(uuid5(_IDS, f"{tenant}/{HOURS}/{row['date']}")),
            "event_type": "temperature_observed",
            "occurred_at": at,
            "ingested_at": now,
            "source": HOURS,
            "session_id": str(uuid5(_IDS, f"{tenant}/{HOURS}/{at.date()}")),
            "country": "US",
            "amount": None,
            "currency": None,
            "phone": None,
            "email": None,
            "ip_address": None,
            "payload": json.dumps({"date": row["date"], "fahrenheit": row["temp"]}),
        }
        for at, row in _batch(HOURS, "%Y/%m/%d %H:%M", after, lambda at: (at.year, at.month))
    ]
    return pa.Table.from_pylist(hours, schema=_EVENTS)


def observations(after: datetime | None) -> pa.Table:
    """Rows for ``scd_type2``: the weather of each calendar day, as the year after ``after`` saw it;
    of the first year for None, of none when there is no more.
    """
    days = [
        {
            "entity_id": f"seattle/{at:%m-%d}",
            "valid_from": at,
            "condition": row["weather"],
            "precipitation_mm": row["precipitation"],
            "temperature_max_celsius": row["temp_max"],
            "temperature_min_celsius": row["temp_min"],
            "wind_speed_mps": row["wind"],
            "record": json.dumps(row),
        }
        for at, row in _batch(DAYS, "%Y/%m/%d", after, lambda at: at.year)
    ]
    return pa.Table.from_pylist(days, schema=_OBSERVATIONS)


_TIME = pa.timestamp("us", tz="UTC")
_EVENTS = pa.schema(
    {
        "event_id": pa.string(),
        "event_type": pa.string(),
        "occurred_at": _TIME,
        "ingested_at": _TIME,
        "source": pa.string(),
        "session_id": pa.string(),
        "country": pa.string(),
        "amount": pa.decimal128(18, 2),
        **dict.fromkeys(("currency", "phone", "email", "ip_address", "payload"), pa.string()),
    }
)
_OBSERVATIONS = pa.schema(
    {
        "entity_id": pa.string(),
        "valid_from": _TIME,
        "condition": pa.string(),
        "precipitation_mm": pa.float64(),
        "temperature_max_celsius": pa.float64(),
        "temperature_min_celsius": pa.float64(),
        "wind_speed_mps": pa.float64(),
        "record": pa.string(),
    }
)


def _batch(
    name: str,
    form: str,
    after: datetime | None,
    period: Any,  # noqa: ANN401 - of a time
) -> Iterable[tuple[datetime, dict[str, Any]]]:
    later = [(at, row) for at, row in _rows(name, form) if after is None or at > after]
    first = min((period(at) for at, _ in later), default=None)
    return [(at, row) for at, row in later if period(at) == first]


@cache
def _rows(name: str, form: str) -> list[tuple[datetime, dict[str, Any]]]:
    # Not imported: the package would bring all of pandas into the run.
    found = find_spec("vega_datasets")
    if found is None or not found.submodule_search_locations:
        raise NoDataSetError("install the package vega_datasets")
    path = Path(found.submodule_search_locations[0]) / "_data" / f"{name}.csv"
    text = csv.ConvertOptions(column_types={"date": pa.string()})
    rows = csv.read_csv(path, convert_options=text).to_pylist()
    return [(datetime.strptime(row["date"], form).replace(tzinfo=UTC), row) for row in rows]
