"""Which tenants are deployed here, as the registry says: those with a section for their runs."""

import json
from collections.abc import Mapping
from functools import cache

from pipelines.registry import REGISTRY, Registry, RegistryError, place_of
from pipelines.runs import TASK_FAMILY
from tenancy.dagster import TENANTS
from tenancy.ids import TENANT_ID


class InvalidRegistrations(ValueError):
    """The registrations cannot be used."""


def registered(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of the tenants, sorted, as they are now; ``environ`` says where the registry is.

    Raises:
        InvalidRegistrations: it cannot be read.
    """
    if REGISTRY not in environ and TENANTS in environ:
        return _inline(environ[TENANTS])
    try:
        return tuple(_registry(environ.get(REGISTRY, "")).read())
    except RegistryError as error:
        raise InvalidRegistrations(f"the tenants cannot be read: {error}") from error


@cache
def _registry(place: str) -> Registry[str]:
    """One for each place, which remembers what it has read."""
    return Registry(place_of({REGISTRY: place}), TASK_FAMILY)


def _inline(text: str) -> tuple[str, ...]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidRegistrations(f"the registrations cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(map(TENANT_ID.fullmatch, found)):
        raise InvalidRegistrations("the registrations are not an object of tenant -> registration")
    return tuple(sorted(found))
