"""A slowly changing dimension of type 2: each change of an entity is a version of its own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

ENTITY, VERSION = "entity_id", "version_id"
VALID_FROM, VALID_TO, CURRENT = "valid_from", "valid_to", "is_current"

_VERSIONS = UUID("8d1f4a4e-5a0c-4c5e-9a53-0f6f0c9b7a11")
"""The namespace of version ids (RFC 9562, version 5)."""

Row = dict[str, Any]


class OutOfOrderError(ValueError):
    """Observations are older than what is known; history is not rewritten."""


@dataclass(frozen=True)
class Merged:
    """``kept``: the versions that were current, some of which have an end now. ``opened``: those
    that are new, of which the last one of each entity has no end.
    """

    kept: list[Row]
    opened: list[Row]


def merge(current: Iterable[Row], observations: Iterable[Row]) -> Merged:
    """The versions after the observations.

    Args:
        current: the version of each entity that has no end: `VERSION`, `ENTITY`, `VALID_FROM` and
            the attributes.
        observations: what was seen of entities: `ENTITY`, `VALID_FROM` as the time of the
            observation, and the same attributes. Equal ones in a row are one version.

    Raises:
        OutOfOrderError: an observation differs from a version that began later or at that time.
    """
    kept = [{**row} for row in current]
    latest: dict[str, Row] = {row[ENTITY]: row for row in kept}
    opened: list[Row] = []
    for entity, seen in _by_entity(observations).items():
        for observation in sorted(seen, key=_start):
            version = latest.get(entity)
            if version is not None:
                if _attributes(version) == _attributes(observation):
                    continue
                if _start(observation) <= _start(version):
                    raise OutOfOrderError(
                        f"an observation at {_start(observation).isoformat()} is not newer than"
                        f" the version of its entity that began at {_start(version).isoformat()}"
                    )
                version |= {VALID_TO: _start(observation), CURRENT: False}
            latest[entity] = {
                **observation,
                VERSION: _version(entity, _start(observation)),
                VALID_TO: None,
                CURRENT: True,
            }
            opened.append(latest[entity])
    return Merged(kept, opened)


def _by_entity(observations: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for observation in observations:
        found[observation[ENTITY]].append(observation)
    return found


def _start(row: Row) -> datetime:
    start: datetime = row[VALID_FROM]
    return start


def _attributes(row: Row) -> Row:
    return {
        name: value
        for name, value in row.items()
        if name not in {VERSION, VALID_FROM, VALID_TO, CURRENT}
    }


def _version(entity: str, start: datetime) -> str:
    """The same for the same change, whoever computes it and however often."""
    return str(uuid5(_VERSIONS, f"{entity}/{start.isoformat()}"))
