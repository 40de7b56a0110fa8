"""Lake Formation decides alone: what is new belongs to nobody."""

from collections.abc import Iterator

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings
from policies.statements import listed

_SETTINGS = "aws:lakeformation/dataLakeSettings:DataLakeSettings"
_DEFAULTS = ("createDatabaseDefaultPermissions", "createTableDefaultPermissions")
_GRANT = "aws:lakeformation/permissions:Permissions"


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.type == _SETTINGS:
        for name in _DEFAULTS:
            if listed(resource.inputs.get(name)):
                yield f"grants what is new to others: `{name}`"
    if resource.type == _GRANT and resource.inputs.get("principal") == "IAM_ALLOWED_PRINCIPALS":
        yield "grants to IAMAllowedPrincipals, beside which no other grant has an effect"


RULE = ResourceRule(
    name="lake-formation-closed",
    description="New databases and tables are granted to nobody, and nothing to everybody.",
    remedy="leave both default permissions empty, and grant to roles by name",
    find=_find,
)
