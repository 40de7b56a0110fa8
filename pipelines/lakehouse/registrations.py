"""Which tenants are deployed here, as the registry says: those with a section for their runs."""

from collections.abc import Mapping
from functools import cache

from pipelines.registry import REGISTRY, Registry, RegistryError, place_of
from pipelines.runs import TASK_FAMILY


class InvalidRegistrations(ValueError):
    """The registrations cannot be used."""


def registered(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of the tenants, sorted, as they are now; ``environ`` says where the registry is.

    Raises:
        InvalidRegistrations: it cannot be read.
    """
    try:
        return tuple(_registry(environ.get(REGISTRY, "")).read())
    except RegistryError as error:
        raise InvalidRegistrations(f"the tenants cannot be read: {error}") from error


@cache
def _registry(place: str) -> Registry[str]:
    """One for each place, which remembers what it has read."""
    return Registry(place_of({REGISTRY: place}), TASK_FAMILY)
