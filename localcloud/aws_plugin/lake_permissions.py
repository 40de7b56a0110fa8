"""Which Lake Formation permissions a kind of resource takes.

Source: Lake Formation Developer Guide, "Lake Formation permissions reference". Known to the
provider, which refuses the rest at preview, and to the emulator, since moto accepts anything.
"""

# Property values are anything.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_ON_DATABASE: Final = frozenset({"ALL", "ALTER", "CREATE_TABLE", "DESCRIBE", "DROP"})
_ON_TABLE: Final = frozenset({"ALL", "ALTER", "DELETE", "DESCRIBE", "DROP", "INSERT", "SELECT"})
_ON_TAG: Final = frozenset({"ALTER", "ASSOCIATE", "DESCRIBE", "DROP"})

# By the API's name of the resource; a grant by LF-Tag policy takes what its resource type takes.
ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "Catalog": frozenset({"ALL", "CREATE_DATABASE", "CREATE_LF_TAG", "DESCRIBE"}),
    "Database": _ON_DATABASE,
    "Table": _ON_TABLE,
    "TableWithColumns": frozenset({"SELECT"}),
    "DataLocation": frozenset({"DATA_LOCATION_ACCESS"}),
    "LFTag": _ON_TAG | {"GRANT_WITH_LF_TAG_EXPRESSION"},
}


def refused(resource: Mapping[str, Any], permissions: list[str]) -> str | None:
    """Why these permissions cannot be granted on a resource (in the API's form), or None."""
    (kind, one), *more = resource.items()
    if more:
        return f"a grant is on one resource, not on {', '.join(resource)}"
    if kind == "LFTagPolicy":
        kind = {"DATABASE": "Database", "TABLE": "Table"}.get(one.get("ResourceType"), kind)
    if (takes := ALLOWED.get(kind)) is None:
        return f"nothing is known about grants on a {kind}"
    if wrong := sorted(set(permissions) - takes):
        return f"{kind} takes {', '.join(sorted(takes))}, not {', '.join(wrong)}"
    return None
