"""Tenants are called as the grammar says, so that no name is a part of another's pattern."""

import re
from collections.abc import Iterator

from isolation.graph import Resource
from isolation.ownership import OF_THE_PLATFORM
from policies.rule import ResourceRule, Settings, known, tags


def _find(resource: Resource, settings: Settings) -> Iterator[str]:
    tenant = known(tags(resource).get(settings.tag))
    if tenant is None or tenant in OF_THE_PLATFORM:
        return
    if not isinstance(tenant, str) or not re.fullmatch(settings.tenant_id, tenant):
        yield f"is of {tenant!r}, which is no tenant's id"


RULE = ResourceRule(
    name="tenant-name",
    description="The tag that names a tenant holds an id of the grammar.",
    remedy="use lower-case letters, digits and single hyphens, a letter first",
    find=_find,
)
