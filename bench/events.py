"""Events to write: what an application would send, every column filled, the same for each seed."""

from __future__ import annotations

import json
from uuid import UUID

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import compute as pc

from pipelines.lakehouse import source

_DAY = 86_400_000_000  # microseconds
_BEGAN = 1_767_225_600_000_000  # 2026-01-01, so that all lie in one partition: one file a table
_TYPES = ("page_viewed", "item_added", "order_placed", "search_done")
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
_EVENTS_OF_A_VISIT, _EVENTS_OF_A_PERSON = 20, 10


def filled_events(count: int, seed: int = 1) -> pa.Table:
    """``count`` rows of ``event_stream``, with public and restricted columns."""
    random = np.random.default_rng(seed)
    ids = _uuids(random, count)
    visits = _uuids(random, count // _EVENTS_OF_A_VISIT + 1)
    visit = random.integers(0, len(visits), count).tolist()
    person = random.integers(0, count // _EVENTS_OF_A_PERSON + 1, count).tolist()
    kind = random.integers(0, len(_TYPES), count).tolist()
    cents = random.integers(100, 100_000, count)
    address = random.integers(0, 2**24, count).tolist()
    at = _BEGAN + np.sort(random.integers(0, _DAY, count))
    payload = [
        json.dumps(
            {
                "id": id_,
                "type": _TYPES[kind[n]],
                "session": visits[visit[n]],
                "customer": person[n],
                "path": f"/shop/{visit[n] % 977}/item/{person[n] % 4093}",
                "agent": _AGENT,
            }
        )
        for n, id_ in enumerate(ids)
    ]
    columns = {
        "event_id": ids,
        "event_type": [_TYPES[n] for n in kind],
        "occurred_at": at,
        "ingested_at": at + 1_500_000,
        "source": ["shop"] * count,
        "session_id": [visits[n] for n in visit],
        "country": ["US"] * count,
        "amount": pc.cast(pa.array(cents / 100), pa.decimal128(18, 2), safe=False),
        "currency": ["USD"] * count,
        "phone": [f"+1206{n:07}" for n in person],
        "email": [f"person{n}@mail.example" for n in person],
        "ip_address": [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in address],
        "payload": payload,
    }
    return pa.table(columns).cast(_schema())


def sparse_events(count: int, seed: int = 1) -> pa.Table:
    """The same with what the sample data fill only, so that a row is hardly more than its key."""
    full, schema = filled_events(count, seed), _schema()
    filled = {"event_id", "event_type", "occurred_at", "ingested_at", "source", "country"}
    return pa.table(
        [
            full[field.name] if field.name in filled else pa.nulls(count, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _schema() -> pa.Schema:
    return source.events("any", None).schema


def _uuids(random: np.random.Generator, count: int) -> list[str]:
    raw = random.bytes(16 * count)
    return [str(UUID(bytes=raw[n : n + 16], version=4)) for n in range(0, 16 * count, 16)]
