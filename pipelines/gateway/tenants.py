"""Whom the gateway serves, and where each may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.gateway.locations import is_below, is_location
from pipelines.registry import CATALOG, Section
from tenancy.nessie import MAIN, namespace
from tenancy.settings import METADATA

DATA = "data/"
"""Beside the metadata of the same tables."""

_KEYS = {"warehouse", "restricted"}


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


def read_tenant(id_: str, told: object) -> Tenant:
    """The tenant, as its section of the registry says (``tenancy.registry.warehouses``).

    An area must be in the tenant's own prefix, which is called like it, and its two apart. So no
    two tenants' areas touch, whatever their entries say: each is judged by itself, and a wrong one
    costs no other tenant anything.

    Raises:
        ValueError: it says another thing, or an area is not the tenant's own.
    """
    if not isinstance(told, dict) or set(told) != _KEYS:
        raise ValueError(f"{id_}: does not say exactly {', '.join(sorted(_KEYS))}")
    for name, place in told.items():
        own = isinstance(place, str) and is_location(place) and place.endswith(f"/{METADATA}")
        if not own or place.split("/")[3] != id_:
            raise ValueError(f"{id_}: {name} is not s3://<bucket>/{id_}/.../{METADATA}")
    areas = Area.of(told["warehouse"]), Area.of(told["restricted"])
    # An area is two sibling folders: areas touch if their parents do.
    one, other = sorted(area.metadata.removesuffix(METADATA) for area in areas)
    if other.startswith(one):
        raise ValueError(f"{id_}: its areas are not apart")
    return Tenant(id_, *areas)


SECTION = Section(CATALOG, read_tenant)
