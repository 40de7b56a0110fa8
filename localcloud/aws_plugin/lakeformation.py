"""AWS Lake Formation: settings of the lake, tags, and grants.

Grants and tag assignments have no name of their own: their id here is the JSON of what they are
about, so that they can be read back and imported by it.
"""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105, PLR0911

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.lake_permissions import refused
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import (
    ApiResource,
    Property,
    Resource,
    ResourceError,
    declare,
    is_absent,
)
from localcloud.aws_plugin.values import Properties, canonical, has_unknown

CATALOG = Property(computed=True, replace=True)


def _principals(arns: Any) -> list[dict[str, str]]:
    return [{"DataLakePrincipalIdentifier": arn} for arn in arns or []]


def _arns(principals: Any) -> list[str]:
    return [one["DataLakePrincipalIdentifier"] for one in principals or []]


def _defaults(permissions: Any) -> list[dict[str, Any]]:
    return [
        {
            "Principal": {"DataLakePrincipalIdentifier": one.get("principal")},
            "Permissions": one.get("permissions") or [],
        }
        for one in permissions or []
    ]


def _from_defaults(permissions: Any) -> list[dict[str, Any]]:
    return [
        {
            "principal": one["Principal"]["DataLakePrincipalIdentifier"],
            "permissions": one["Permissions"],
        }
        for one in permissions or []
    ]


@register
class DataLakeSettings(Resource):
    """One per account and region. What is left out is cleared, as the official provider does: so
    leaving out the default permissions is what closes IAMAllowedPrincipals.
    """

    token = "aws:lakeformation/dataLakeSettings:DataLakeSettings"
    service = "lakeformation"
    id_format = "{catalogId}"
    properties = declare(
        admins=Property(unordered=True),
        readOnlyAdmins=Property(unordered=True),
        allowExternalDataFiltering=Property(default=False),
        allowFullTableExternalDataAccess=Property(default=False),
        authorizedSessionTagValueLists=Property(),
        catalogId=CATALOG,
        createDatabaseDefaultPermissions=Property(unordered=True),
        createTableDefaultPermissions=Property(unordered=True),
        externalDataFilteringAllowLists=Property(unordered=True),
        parameters=Property(computed=True),
        trustedResourceOwners=Property(),
    )

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {**inputs, "catalogId": inputs.get("catalogId") or cloud.account}

    def _put(self, cloud: Cloud, inputs: Properties) -> None:
        settings: dict[str, Any] = {
            "DataLakeAdmins": _principals(inputs.get("admins")),
            "ReadOnlyAdmins": _principals(inputs.get("readOnlyAdmins")),
            "CreateDatabaseDefaultPermissions": _defaults(
                inputs.get("createDatabaseDefaultPermissions")
            ),
            "CreateTableDefaultPermissions": _defaults(inputs.get("createTableDefaultPermissions")),
            "TrustedResourceOwners": inputs.get("trustedResourceOwners") or [],
            "AllowExternalDataFiltering": bool(inputs.get("allowExternalDataFiltering")),
            "AllowFullTableExternalDataAccess": bool(
                inputs.get("allowFullTableExternalDataAccess")
            ),
            "ExternalDataFilteringAllowList": _principals(
                inputs.get("externalDataFilteringAllowLists")
            ),
            "AuthorizedSessionTagValueList": inputs.get("authorizedSessionTagValueLists") or [],
        }
        if inputs.get("parameters"):
            settings["Parameters"] = {k: str(v) for k, v in inputs["parameters"].items()}
        self.client(cloud, inputs).put_data_lake_settings(
            CatalogId=inputs["catalogId"], DataLakeSettings=settings
        )

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        self._put(cloud, inputs)
        return str(inputs["catalogId"])

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        live = self.client(cloud, known).get_data_lake_settings(CatalogId=identifier)
        live = live["DataLakeSettings"]
        return {
            "catalogId": identifier,
            "admins": _arns(live.get("DataLakeAdmins")),
            "readOnlyAdmins": _arns(live.get("ReadOnlyAdmins")),
            "createDatabaseDefaultPermissions": _from_defaults(
                live.get("CreateDatabaseDefaultPermissions")
            ),
            "createTableDefaultPermissions": _from_defaults(
                live.get("CreateTableDefaultPermissions")
            ),
            "parameters": live.get("Parameters"),
            "trustedResourceOwners": live.get("TrustedResourceOwners"),
            "allowExternalDataFiltering": live.get("AllowExternalDataFiltering"),
            "allowFullTableExternalDataAccess": live.get("AllowFullTableExternalDataAccess"),
            "externalDataFilteringAllowLists": _arns(live.get("ExternalDataFilteringAllowList")),
            "authorizedSessionTagValueLists": live.get("AuthorizedSessionTagValueList"),
        }

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        self._put(cloud, inputs)

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        """The settings always exist: deleting them empties them, and opens nothing."""
        self._put(cloud, {"catalogId": identifier, "region": state.get("region")})


@register
class LfTag(ApiResource):
    token = "aws:lakeformation/lfTag:LfTag"
    service = "lakeformation"
    id_format = "{catalogId}:{key}"
    properties = declare(
        catalogId=CATALOG,
        key=Property(required=True, replace=True, api="TagKey"),
        values=Property(required=True, unordered=True, api="TagValues"),
    )
    create_call = "create_lf_tag"
    read_call = "get_lf_tag"
    read_path = "TagValues && @ || `null`"
    delete_call = "delete_lf_tag"

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        # The API refuses a second one as a mere invalid input, so it is looked for first.
        identifier = self.identifier(inputs)
        if self.read(cloud, identifier, inputs) is None:
            return super().make(cloud, urn, inputs)
        self.adopt(cloud, identifier, inputs, untagged=False)
        return identifier

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {**inputs, "catalogId": inputs.get("catalogId") or cloud.account}

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        old, new = set(state.get("values") or []), set(inputs["values"])
        request: dict[str, Any] = {"CatalogId": inputs["catalogId"], "TagKey": inputs["key"]}
        if new - old:
            request["TagValuesToAdd"] = sorted(new - old)
        if old - new:
            request["TagValuesToDelete"] = sorted(old - new)
        self.client(cloud, inputs).update_lf_tag(**request)


_RESOURCES: Final = ("database", "table", "tableWithColumns")
_GRANTABLE: Final = (*_RESOURCES, "catalogResource", "dataLocation", "lfTag", "lfTagPolicy")


def _resource(inputs: Mapping[str, Any], catalog: str) -> dict[str, Any]:
    """The API's Resource for the one resource that the inputs name."""
    if inputs.get("catalogResource"):
        return {"Catalog": {}}
    if one := inputs.get("database"):
        return {"Database": {"CatalogId": one.get("catalogId") or catalog, "Name": one["name"]}}
    if one := inputs.get("table"):
        table = {"CatalogId": one.get("catalogId") or catalog, "DatabaseName": one["databaseName"]}
        if one.get("wildcard"):
            return {"Table": {**table, "TableWildcard": {}}}
        return {"Table": {**table, "Name": one["name"]}}
    if one := inputs.get("tableWithColumns"):
        columns: dict[str, Any] = {
            "CatalogId": one.get("catalogId") or catalog,
            "DatabaseName": one["databaseName"],
            "Name": one["name"],
        }
        if one.get("columnNames"):
            columns["ColumnNames"] = sorted(one["columnNames"])
        else:
            excluded = sorted(one.get("excludedColumnNames") or [])
            columns["ColumnWildcard"] = {"ExcludedColumnNames": excluded} if excluded else {}
        return {"TableWithColumns": columns}
    if one := inputs.get("dataLocation"):
        return {
            "DataLocation": {
                "CatalogId": one.get("catalogId") or catalog,
                "ResourceArn": one["arn"],
            }
        }
    if one := inputs.get("lfTag"):
        return {
            "LFTag": {
                "CatalogId": one.get("catalogId") or catalog,
                "TagKey": one["key"],
                "TagValues": sorted(one["values"]),
            }
        }
    one = inputs["lfTagPolicy"]
    return {
        "LFTagPolicy": {
            "CatalogId": one.get("catalogId") or catalog,
            "ResourceType": one["resourceType"],
            "Expression": sorted(
                (
                    {"TagKey": tag["key"], "TagValues": sorted(tag["values"])}
                    for tag in one["expressions"]
                ),
                key=lambda tag: str(tag["TagKey"]),
            ),
        }
    }


def _from_resource(resource: Mapping[str, Any]) -> Properties:
    """`_resource` backwards, for an import."""
    (kind, one), *_ = resource.items()
    named = {"catalogId": one.get("CatalogId")}
    if kind == "Catalog":
        return {"catalogResource": True}
    if kind == "Database":
        return {"database": {**named, "name": one["Name"]}}
    if kind == "DataLocation":
        return {"dataLocation": {**named, "arn": one["ResourceArn"]}}
    if kind == "LFTag":
        return {"lfTag": {**named, "key": one["TagKey"], "values": one["TagValues"]}}
    if kind == "LFTagPolicy":
        tags = [{"key": t["TagKey"], "values": t["TagValues"]} for t in one["Expression"]]
        return {"lfTagPolicy": {**named, "resourceType": one["ResourceType"], "expressions": tags}}
    named["databaseName"] = one["DatabaseName"]
    if kind == "Table" and "TableWildcard" in one:
        return {"table": {**named, "wildcard": True}}
    if kind == "Table":
        return {"table": {**named, "name": one["Name"]}}
    columns: Properties = {**named, "name": one["Name"]}
    if "ColumnNames" in one:
        columns["columnNames"] = one["ColumnNames"]
    else:
        columns["wildcard"] = True
        columns["excludedColumnNames"] = one["ColumnWildcard"].get("ExcludedColumnNames", [])
    return {"tableWithColumns": columns}


def _same_place(one: Any, other: Any) -> bool:
    """Whether two resource properties mean the same: sets in any order, an own catalog unnamed."""

    def shape(value: Any) -> Any:
        if isinstance(value, Mapping):
            items = {k: shape(v) for k, v in value.items() if k != "catalogId"}
            return {k: v for k, v in items.items() if v not in (None, False, "", [], {})}
        if isinstance(value, list):
            return sorted((shape(item) for item in value), key=canonical)
        return value

    return bool(shape(one) == shape(other))


PLACE: Final = Property(replace=True, same=_same_place)


class AboutResource(Resource):
    """What is said about one database, table, ... of the lake."""

    service = "lakeformation"
    about: tuple[str, ...]

    def complete(self, cloud: Cloud, inputs: Properties) -> Properties:
        return {**inputs, "catalogId": inputs.get("catalogId") or cloud.account}

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        named = [name for name in self.about if inputs.get(name)]
        if len(named) != 1:
            said = ", ".join(named) or "none"
            return [("", f"{self.token} is about exactly one of {', '.join(self.about)}: {said}")]
        one = inputs[named[0]]
        needed = {
            "database": ("name",),
            "table": ("databaseName",),
            "tableWithColumns": ("databaseName", "name"),
            "dataLocation": ("arn",),
            "lfTag": ("key", "values"),
            "lfTagPolicy": ("resourceType", "expressions"),
        }.get(named[0], ())
        wrong = [(named[0], f"needs {name}") for name in needed if not one.get(name)]
        if named[0] == "table" and bool(one.get("name")) == bool(one.get("wildcard")):
            wrong.append(("table", "needs exactly one of name and wildcard"))
        columns = named[0] == "tableWithColumns"
        if columns and bool(one.get("columnNames")) == bool(one.get("wildcard")):
            wrong.append(("tableWithColumns", "needs exactly one of columnNames and wildcard"))
        return wrong

    def identifier(self, values: Mapping[str, Any]) -> str:
        said = {"catalogId": values["catalogId"]}
        if values.get("principal"):
            said["principal"] = values["principal"]
        said["resource"] = _resource(values, values["catalogId"])
        return json.dumps(said, sort_keys=True, separators=(",", ":"))

    def from_identifier(self, identifier: str) -> Properties:
        try:
            said = json.loads(identifier)
            return {**said, "resource": dict(said["resource"])}
        except (ValueError, KeyError, TypeError):
            raise ResourceError(
                f"{self.token}: an id is JSON with catalogId, resource (as the API has it) and, "
                f"for a grant, principal: {identifier!r}"
            ) from None

    def remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        try:
            self._remove(cloud, identifier, state)
        except ClientError as error:
            if not is_absent(error):
                raise

    def _remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        raise NotImplementedError


@register
class ResourceLfTags(AboutResource):
    token = "aws:lakeformation/resourceLfTags:ResourceLfTags"
    about = _RESOURCES
    properties = declare(
        catalogId=CATALOG,
        database=PLACE,
        table=PLACE,
        tableWithColumns=PLACE,
        lfTags=Property(required=True, replace=True, same=_same_place),
    )

    def _tags(self, inputs: Properties) -> list[dict[str, Any]]:
        return [
            {
                "CatalogId": tag.get("catalogId") or inputs["catalogId"],
                "TagKey": tag["key"],
                "TagValues": [tag["value"]],
            }
            for tag in inputs["lfTags"]
        ]

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        answer = self.client(cloud, inputs).add_lf_tags_to_resource(
            CatalogId=inputs["catalogId"],
            Resource=_resource(inputs, inputs["catalogId"]),
            LFTags=self._tags(inputs),
        )
        if failures := answer.get("Failures"):
            told = "; ".join(
                f"{one['LFTag']['TagKey']}={','.join(one['LFTag'].get('TagValues', []))}: "
                f"{one['Error'].get('ErrorMessage')}"
                for one in failures
            )
            raise ResourceError(f"{self.token}: {told}")
        return self.identifier(inputs)

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        said = self.from_identifier(identifier)
        try:
            answer = self.client(cloud, known).get_resource_lf_tags(
                CatalogId=said["catalogId"],
                Resource=said["resource"],
                ShowAssignedLFTags=True,
            )
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        (kind,) = said["resource"]
        if kind == "Database":
            tags = answer.get("LFTagOnDatabase") or []
        elif kind == "Table":
            tags = answer.get("LFTagsOnTable") or []
        else:
            columns = answer.get("LFTagsOnColumns") or []
            tags = columns[0].get("LFTags", []) if columns else []
        # A resource may carry tags that others assigned: these are ours to answer for.
        ours = {tag["key"] for tag in known.get("lfTags") or []} or {t["TagKey"] for t in tags}
        lf_tags = [
            {"key": tag["TagKey"], "value": tag["TagValues"][0]}
            for tag in tags
            if tag["TagKey"] in ours
        ]
        if not lf_tags:
            return None
        place = _from_resource(said["resource"])
        return {"catalogId": said["catalogId"], **place, "lfTags": lf_tags}

    def _remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        said = self.from_identifier(identifier)
        state = {**state, "catalogId": said["catalogId"]}
        self.client(cloud, state).remove_lf_tags_from_resource(
            CatalogId=said["catalogId"], Resource=said["resource"], LFTags=self._tags(state)
        )


@register
class Permissions(AboutResource):
    token = "aws:lakeformation/permissions:Permissions"
    about = _GRANTABLE
    properties = declare(
        catalogId=CATALOG,
        principal=Property(required=True, replace=True),
        permissions=Property(required=True, replace=True, unordered=True),
        permissionsWithGrantOptions=Property(replace=True, unordered=True),
        catalogResource=Property(replace=True, default=False),
        database=PLACE,
        dataLocation=PLACE,
        lfTag=PLACE,
        lfTagPolicy=PLACE,
        table=PLACE,
        tableWithColumns=PLACE,
    )

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        wrong = super().validate(inputs)
        if wrong or has_unknown(inputs):
            return wrong
        if told := refused(_resource(inputs, ""), inputs["permissions"]):
            wrong.append(("permissions", told))
        extra = set(inputs.get("permissionsWithGrantOptions") or []) - set(inputs["permissions"])
        if extra:
            wrong.append(
                (
                    "permissionsWithGrantOptions",
                    f"{', '.join(sorted(extra))} must be among permissions too",
                )
            )
        return wrong

    def _grant(self, inputs: Properties) -> dict[str, Any]:
        return {
            "CatalogId": inputs["catalogId"],
            "Principal": {"DataLakePrincipalIdentifier": inputs["principal"]},
            "Resource": _resource(inputs, inputs["catalogId"]),
            "Permissions": sorted(inputs["permissions"]),
            "PermissionsWithGrantOption": sorted(inputs.get("permissionsWithGrantOptions") or []),
        }

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        self.client(cloud, inputs).grant_permissions(**self._grant(inputs))
        return self.identifier(inputs)

    def read(self, cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
        said = self.from_identifier(identifier)
        client = self.client(cloud, known)
        request: dict[str, Any] = {
            "CatalogId": said["catalogId"],
            "Principal": {"DataLakePrincipalIdentifier": said["principal"]},
            "Resource": said["resource"],
        }
        try:
            grants: list[Any] = []
            while True:  # botocore has no paginator for this call
                page = client.list_permissions(**request)
                grants += page["PrincipalResourcePermissions"]
                if not page.get("NextToken"):
                    break
                request["NextToken"] = page["NextToken"]
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        permissions = {name for one in grants for name in one["Permissions"]}
        options = {name for one in grants for name in one.get("PermissionsWithGrantOption") or []}
        if not permissions and not options:
            return None
        return {
            "catalogId": said["catalogId"],
            "principal": said["principal"],
            "permissions": sorted(permissions),
            "permissionsWithGrantOptions": sorted(options),
            **_from_resource(said["resource"]),
        }

    def _remove(self, cloud: Cloud, identifier: str, state: Properties) -> None:
        said = self.from_identifier(identifier)
        full = {**state, "catalogId": said["catalogId"], "principal": said["principal"]}
        grant = self._grant({**full, **_from_resource(said["resource"])})
        self.client(cloud, state).revoke_permissions(**grant)
