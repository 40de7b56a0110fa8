"""Lake Formation: grants are checked, kept and listed.

moto accepts grants on anything to anyone, loses some (their hash changes while they lie in a set),
and lists only those on whole catalogs, databases, tables and locations.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401, ARG001, PLR0913, PLR0917

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.glue.models import glue_backends
from moto.iam.models import iam_backends
from moto.lakeformation.exceptions import InvalidInput
from moto.lakeformation.models import (
    LakeFormationBackend,
    Permission,
    PermissionCatalog,
    lakeformation_backends,
)
from moto.lakeformation.responses import LakeFormationResponse

from localcloud.aws_plugin.lake_permissions import refused
from localcloud.emulator.patches.callers import role_by_arn, user_by_arn
from localcloud.emulator.patches.wrapping import Function, around

OPEN = "IAM_ALLOWED_PRINCIPALS"
_TYPES = {
    "CATALOG": ("Catalog",),
    "DATABASE": ("Database",),
    "TABLE": ("Table", "TableWithColumns"),
    "DATA_LOCATION": ("DataLocation",),
    "LF_TAG": ("LFTag",),
    "LF_TAG_POLICY": ("LFTagPolicy",),
    "LF_TAG_POLICY_DATABASE": ("LFTagPolicy",),
    "LF_TAG_POLICY_TABLE": ("LFTagPolicy",),
}


class Absent(JsonRESTError):
    """What AWS answers for a database, table, column or tag that is not there."""

    def __init__(self, message: str) -> None:
        super().__init__("EntityNotFoundException", message)


class Denied(JsonRESTError):
    """What AWS answers to those who may not."""

    code = 403

    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message)


def normal(resource: dict[str, Any], catalog: str) -> dict[str, Any]:
    """A resource so that equal ones compare equal: catalog named, sets sorted."""
    (kind, one), *more = resource.items()
    if more:
        raise InvalidInput(f"One resource is needed, not {', '.join(resource)}")
    if kind == "Catalog":
        return {"Catalog": {}}
    plain = {**one, "CatalogId": one.get("CatalogId") or catalog}
    for name in ("ColumnNames", "TagValues"):
        if name in plain:
            plain[name] = sorted(plain[name])
    if "Expression" in plain:
        tags = [{**tag, "TagValues": sorted(tag["TagValues"])} for tag in plain["Expression"]]
        plain["Expression"] = sorted(tags, key=lambda tag: tag["TagKey"])
    return {kind: plain}


def _require_resource(backend: Any, catalog: str, resource: dict[str, Any]) -> None:
    """Raises Absent for a database, table, column or LF-Tag that is not there."""
    (kind, one), *_ = resource.items()
    databases = glue_backends[catalog][backend.region_name].databases
    if kind in ("Database", "Table", "TableWithColumns"):
        name = one["Name"] if kind == "Database" else one["DatabaseName"]
        if name not in databases:
            raise Absent(f"Database {name} not found")
        if kind != "Database" and "TableWildcard" not in one:
            table = databases[name].tables.get(one["Name"])
            if table is None:
                raise Absent(f"Table {name}.{one['Name']} not found")
            if missing := set(one.get("ColumnNames") or []) - _columns(table):
                raise Absent(f"Columns {sorted(missing)} not found in {name}.{one['Name']}")
    expression = [one] if kind == "LFTag" else one.get("Expression", [])
    _require_tags(backend, catalog, expression)


def _columns(table: Any) -> set[str]:
    shown = table.as_dict()
    columns = (shown.get("StorageDescriptor") or {}).get("Columns") or []
    return {column["Name"] for column in [*columns, *(shown.get("PartitionKeys") or [])]}


def _require_tags(backend: Any, catalog: str, tags: list[dict[str, Any]]) -> None:
    known = backend.list_lf_tags(catalog)
    for tag in tags:
        values = set(tag["TagValues"]) - {"*"}
        if missing := values - set(known.get(tag["TagKey"], [])):
            raise Absent(f"LF-Tag {tag['TagKey']} has no value {', '.join(sorted(missing))}")
        if tag["TagKey"] not in known:
            raise Absent(f"LF-Tag {tag['TagKey']} does not exist")


def _require_principal(identifier: str) -> None:
    """Roles and users must exist. Groups and SAML users cannot be looked up here."""
    if identifier == OPEN or ":group/" in identifier or ":saml-provider/" in identifier:
        return
    account = identifier if identifier.isdigit() else identifier.split(":")[4:5][0:1]
    if isinstance(account, list):
        known = role_by_arn(identifier) is not None or user_by_arn(identifier) is not None
    else:
        known = account in iam_backends
    if not known:
        raise InvalidInput(f"Invalid principal, {identifier}")


def _grant(
    original: Function,
    self: Any,
    catalog_id: str,
    principal: dict[str, str],
    resource: dict[str, Any],
    permissions: list[str],
    permissions_with_grant_options: list[str],
) -> None:
    if catalog_id != self.account_id:
        raise Denied(f"{self.account_id} may not grant in the catalog {catalog_id}")
    resource = normal(resource, catalog_id)
    if told := refused(resource, [*permissions, *(permissions_with_grant_options or [])]):
        raise InvalidInput(f"Invalid permissions: {told}")
    _require_principal(principal["DataLakePrincipalIdentifier"])
    _require_resource(self, catalog_id, resource)
    grant_unchecked(self, principal, resource, permissions, permissions_with_grant_options)


def grant_unchecked(
    backend: Any,
    principal: dict[str, str],
    resource: dict[str, Any],
    permissions: list[str],
    options: list[str] | None = None,
) -> None:
    """Record a grant that the service itself makes."""
    catalog = backend.grants.setdefault(backend.account_id, PermissionCatalog())
    catalog.add_permission(Permission(principal, resource, list(permissions), list(options or [])))


def _revoke(original: Function, self: Any, catalog_id: str, *args: Any, **kwargs: Any) -> None:
    kwargs["resource"] = normal(kwargs["resource"], catalog_id)
    original(self, catalog_id, *args, **kwargs)


def _hash(original: Function, self: Any) -> int:
    # What identifies a grant never changes; moto hashes its permissions too, which merge and diff
    # change while the grant lies in a set, where it is then not found again.
    return hash(json.dumps([self.principal, self.resource], sort_keys=True))


def _list(original: Function, self: Any) -> str:
    """All grants that the filters fit, of every kind of resource."""
    catalog = self._get_param("CatalogId") or self.current_account
    principal, resource = self._get_param("Principal"), self._get_param("Resource")
    kind = self._get_param("ResourceType")
    if principal and not resource:
        raise InvalidInput("Resource is mandatory if Principal is set in the input.")
    if kind and kind not in _TYPES:
        raise InvalidInput(f"Unknown ResourceType {kind}")
    granted = self.lakeformation_backend.grants.get(catalog)
    found = sorted(
        (one.to_external_form() for one in list(granted.permissions if granted else ())),
        key=lambda one: json.dumps(one, sort_keys=True),
    )
    if principal:
        found = [one for one in found if one["Principal"] == principal]
    if resource:
        wanted = normal(resource, catalog)
        found = [one for one in found if one["Resource"] == wanted]
    if kind:
        found = [one for one in found if next(iter(one["Resource"])) in _TYPES[kind]]
    for one in found:
        one["Permissions"] = sorted(one["Permissions"])
        one["PermissionsWithGrantOption"] = sorted(one["PermissionsWithGrantOption"])
    return json.dumps({"PrincipalResourcePermissions": found})


def forget(account: str, region: str, database: str, table: str | None = None) -> None:
    """Grants and LF-Tags on a database or table end with it, as a new one of its name is another
    resource. With a database go its tables.
    """
    backend = lakeformation_backends[account][region]

    def gone(resource: dict[str, Any]) -> bool:
        (kind, one), *_ = resource.items()
        if kind == "Database":
            return table is None and one["Name"] == database
        if kind not in ("Table", "TableWithColumns") or one["DatabaseName"] != database:
            return False
        return table is None or one.get("Name") == table

    if catalog := backend.grants.get(account):
        catalog.permissions = {one for one in catalog.permissions if not gone(one.resource)}
    if table is None:
        backend.lf_database_tags.pop((account, database), None)
    tagged: tuple[dict[Any, Any], ...] = (backend.lf_table_tags, backend.lf_columns_tags)
    for tags in tagged:
        for key in list(tags):
            if key[1] == database and table in (None, key[2]):
                tags.pop(key, None)


def _init(original: Function, self: Any, *args: Any, **kwargs: Any) -> None:
    original(self, *args, **kwargs)
    # moto answers 500 for what carries no LF-Tags yet.
    self.lf_database_tags = defaultdict(list)
    self.lf_table_tags = defaultdict(list)
    self.lf_columns_tags = defaultdict(list)


def _create_tag(
    original: Function, self: Any, catalog_id: str, key: str, values: list[str]
) -> None:
    if key in self.list_lf_tags(catalog_id):  # moto overwrites it
        raise InvalidInput(f"Tag key already exists: {key}")
    original(self, catalog_id, key, values)


def _add_tags(
    original: Function, self: Any, catalog_id: str, resource: dict[str, Any], tags: Any
) -> Any:
    resource = normal(resource, catalog_id)
    _require_resource(self, catalog_id, resource)
    _require_tags(self, catalog_id, tags)
    given = {tag["TagKey"] for tag in tags}
    merged = [{**tag, "CatalogId": tag.get("CatalogId") or catalog_id} for tag in tags]
    # moto forgets the tags that the resource had; AWS keeps those of other keys.
    database, table, columns = self.get_resource_lf_tags(catalog_id, resource)
    there = database or table or (columns[0]["LFTags"] if columns else [])
    merged += [tag for tag in there if tag["TagKey"] not in given]
    return original(self, catalog_id, resource, merged)


def _remove_tags(
    original: Function, self: Any, catalog_id: str, resource: dict[str, Any], tags: Any
) -> None:
    resource = normal(resource, catalog_id)
    database, table, columns = self.get_resource_lf_tags(catalog_id, resource)
    there = database or table or (columns[0]["LFTags"] if columns else [])
    wanted = [{**tag, "CatalogId": tag.get("CatalogId") or catalog_id} for tag in tags]
    # moto answers 500 for one that the resource does not carry.
    original(self, catalog_id, resource, [tag for tag in wanted if tag in there])


def patch() -> None:
    """Change moto in this process."""
    around(Permission, "__hash__")(_hash)
    around(LakeFormationBackend, "__init__")(_init)
    around(LakeFormationBackend, "grant_permissions")(_grant)
    around(LakeFormationBackend, "revoke_permissions")(_revoke)
    around(LakeFormationResponse, "list_permissions")(_list)
    around(LakeFormationBackend, "create_lf_tag")(_create_tag)
    around(LakeFormationBackend, "add_lf_tags_to_resource")(_add_tags)
    around(LakeFormationBackend, "remove_lf_tags_from_resource")(_remove_tags)
