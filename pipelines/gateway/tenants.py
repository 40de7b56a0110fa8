"""Whom the gateway serves, and where each may write."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipelines.gateway.locations import is_below, is_location
from tenancy.ids import TENANT_ID
from tenancy.nessie import MAIN, namespace
from tenancy.settings import METADATA

DATA = "data/"
"""Beside the metadata of the same tables."""

_LOG = logging.getLogger(__name__)
_KEYS = {"warehouse", "restricted"}


class InvalidTenants(ValueError):
    """The list of tenants does not say clearly who may write where."""


@dataclass(frozen=True)
class Area:
    """Where the files of some tables lie: two S3 URLs that end with a slash."""

    metadata: str
    data: str

    @classmethod
    def of(cls, metadata: str) -> Area:
        """The area whose metadata Nessie writes below ``metadata``."""
        return cls(metadata, f"{metadata.removesuffix(METADATA)}{DATA}")

    def holds(self, location: str) -> bool:
        """Whether the location is in the area."""
        return is_below(location, self.metadata) or is_below(location, self.data)


@dataclass(frozen=True)
class Tenant:
    """``public``: its tables. ``restricted``: those of restricted columns."""

    id: str
    public: Area
    restricted: Area

    def owns(self, elements: Sequence[str]) -> bool:
        """Whether the namespace is the tenant's."""
        return elements[0] in {namespace(self.id, restricted=each) for each in (False, True)}

    def is_restricted(self, elements: Sequence[str]) -> bool:
        """Whether the tables of the namespace, which is the tenant's, hold restricted columns."""
        return elements[0] == namespace(self.id, restricted=True)

    def area(self, elements: Sequence[str]) -> Area:
        """Where the tables of the namespace lie."""
        return self.restricted if self.is_restricted(elements) else self.public

    def owns_branch(self, reference: str) -> bool:
        """Whether the branch is the tenant's own; no id is the start of another's and ``_``."""
        return reference.startswith(f"{self.id}_")

    def may_use(self, reference: str) -> bool:
        """Whether the tenant works on the branch at all."""
        return reference == MAIN or self.owns_branch(reference)


Tenants = Mapping[str, Tenant]


def read_tenants(text: str) -> Tenants:
    """The tenants of the document that ``tenancy.nessie.gateway_task`` writes, by id.

    Raises:
        InvalidTenants: it is no such document, or one's area lies in another's.
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise InvalidTenants(f"the tenants are not JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidTenants("the tenants are not an object of id -> warehouses")
    tenants = {id_: _tenant(id_, entry) for id_, entry in given.items()}
    areas = [area for tenant in tenants.values() for area in (tenant.public, tenant.restricted)]
    # An area is two sibling folders: areas touch if their parents do.
    folders = sorted(area.metadata.removesuffix(METADATA) for area in areas)
    for one, following in pairwise(folders):
        if following.startswith(one):
            raise InvalidTenants(f"{following} is not apart from {one}")
    return tenants


def _tenant(id_: str, entry: Any) -> Tenant:  # noqa: ANN401 - as it was given
    if not TENANT_ID.fullmatch(id_):
        raise InvalidTenants("a tenant's id is not one")
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        raise InvalidTenants(f"{id_}: does not say exactly {', '.join(sorted(_KEYS))}")
    for name, place in entry.items():
        whole = isinstance(place, str) and is_location(place) and place.endswith(f"/{METADATA}")
        if not whole:
            raise InvalidTenants(f"{id_}: {name} is not s3://<bucket>/.../{METADATA}")
    return Tenant(id_, Area.of(entry["warehouse"]), Area.of(entry["restricted"]))


class TenantsFile:
    """Tenants that are read again when their file changes: a new one needs no restart.

    A file that cannot be read any more leaves the last good list in force.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._mark()
        self._tenants = read_tenants(path.read_text(encoding="utf-8"))

    def __call__(self) -> Tenants:
        """The tenants now."""
        try:
            seen = self._mark()
            if seen != self._seen:
                self._seen = seen
                self._tenants = read_tenants(self._path.read_text(encoding="utf-8"))
                _LOG.info("read %d tenants", len(self._tenants))
        except (OSError, ValueError) as error:
            _LOG.error("the tenants stay as they were: %s", error)
        return self._tenants

    def _mark(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
