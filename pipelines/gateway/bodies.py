"""What a request's body may say: known fields only, and no place that is not the tenant's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.gateway.calls import Call, digest, own_namespace, own_reference
from pipelines.gateway.locations import foreign_property, is_below
from pipelines.gateway.paths import name
from pipelines.gateway.refusal import forbidden, malformed
from pipelines.gateway.tenants import Area
from tenancy.nessie import MAIN

Body = dict[str, Any]

# Iceberg REST specification, "TableUpdate": action -> the other fields it may have.
_UPDATES: Mapping[str, frozenset[str]] = {
    action: frozenset(fields)
    for action, fields in {
        "assign-uuid": {"uuid"},
        "upgrade-format-version": {"format-version"},
        "add-schema": {"schema", "last-column-id"},
        "set-current-schema": {"schema-id"},
        "remove-schemas": {"schema-ids"},
        "add-spec": {"spec"},
        "set-default-spec": {"spec-id"},
        "remove-partition-specs": {"spec-ids"},
        "add-sort-order": {"sort-order"},
        "set-default-sort-order": {"sort-order-id"},
        "add-snapshot": {"snapshot"},
        "remove-snapshots": {"snapshot-ids"},
        "set-snapshot-ref": {
            "ref-name",
            "type",
            "snapshot-id",
            "max-ref-age-ms",
            "max-snapshot-age-ms",
            "min-snapshots-to-keep",
        },
        "remove-snapshot-ref": {"ref-name"},
        "set-location": {"location"},
        "set-properties": {"updates"},
        "remove-properties": {"removals"},
        "set-statistics": {"snapshot-id", "statistics"},
        "remove-statistics": {"snapshot-id"},
        "set-partition-statistics": {"partition-statistics"},
        "remove-partition-statistics": {"snapshot-id"},
    }.items()
}
_STATISTICS = {
    "set-statistics": "statistics",
    "set-partition-statistics": "partition-statistics",
}


def read_body(raw: bytes) -> Body:
    """The JSON object; what is sent on is written from it, so that both readers see the same.

    Raises:
        Refused: it is none, or says a name twice or a number that JSON does not have.
    """
    try:
        found = json.loads(raw, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise malformed("the body is not JSON in which every name comes once") from error
    return _object(found)


def checked_body(call: Call, body: Body) -> Body:
    """The body to send on, completed where this Nessie asks for more than the specification.

    Raises:
        Refused: it says something that it may not.
    """
    return _CHECKS[call.operation.name](call, body)


def touched(call: Call, body: Body | None) -> list[str]:
    """The namespaces or tables that the checked call is about, for the log."""
    if body is not None and call.operation.name == "create-namespace":
        return [".".join(body["namespace"])]
    if body is not None and call.operation.name == "create-table":
        return [".".join((*call.namespace, body["name"]))]
    identifiers = []
    if body is not None and call.operation.name == "rename-table":
        identifiers = [body["source"], body["destination"]]
    if body is not None and call.operation.name == "commit-transaction":
        identifiers = [change["identifier"] for change in body["table-changes"]]
    if identifiers:
        return [".".join((*found["namespace"], found["name"])) for found in identifiers]
    own = ".".join((*call.namespace, *filter(None, [call.table])))
    return [own] if own else []


def _once(pairs: list[tuple[str, Any]]) -> Body:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_number(_text: str) -> None:
    raise ValueError


def _object(given: object, allowed: frozenset[str] | None = None) -> Body:
    if not isinstance(given, dict):
        raise malformed("the body has something else where an object belongs")
    if allowed is not None and not given.keys() <= allowed:
        raise malformed("the body has a field that this call does not know")
    return given


def _list(given: object) -> list[Any]:
    if not isinstance(given, list):
        raise malformed("the body has something else where a list belongs")
    return given


def _fields(*names: str) -> frozenset[str]:
    return frozenset(names)


def _properties(given: object, area: Area) -> Body:
    found = _object({} if given is None else given)
    if not all(isinstance(value, str) for value in found.values()):
        raise malformed("the value of a property is a text")
    if foreign_property(found, area.metadata, area.data) is not None:
        raise forbidden("location", "a property names a place that is not the tenant's own")
    return found


def _in_metadata(location: object, area: Area) -> str:
    if not isinstance(location, str) or not is_below(location, area.metadata):
        raise forbidden("location", "the location is not among the tenant's own")
    return location


def _in_area(location: object, area: Area) -> None:
    if not isinstance(location, str) or not area.holds(location):
        raise forbidden("location", "a file lies outside of the tenant's own places")


def _create_namespace(call: Call, body: Body) -> Body:
    _object(body, _fields("namespace", "properties"))
    tenant = call.caller.tenant
    namespace = own_namespace(call.caller, body.get("namespace"))
    area = tenant.area(namespace)
    properties = _properties(body.get("properties"), area)
    # Nessie derives a table's location from its outermost namespace's, whatever the client asks
    # for; without one it would lie in the warehouse, which all tenants share.
    if len(namespace) == 1:
        properties = {"location": area.metadata, **properties}
    return {"namespace": list(namespace), "properties": properties}


def _update_namespace(call: Call, body: Body) -> Body:
    _object(body, _fields("updates", "removals"))
    tenant = call.caller.tenant
    removals = _list(body.get("removals") or [])
    if "location" in removals:
        raise forbidden("location", "the tables of a namespace stay where they are")
    updates = _properties(body.get("updates"), tenant.area(call.namespace))
    return {"updates": updates, "removals": removals}


def _create_table(call: Call, body: Body) -> Body:
    known = _fields(
        "name", "location", "schema", "partition-spec", "write-order", "stage-create", "properties"
    )
    _object(body, known)
    area = call.caller.tenant.area(call.namespace)
    name(body.get("name"))
    if body.get("location") is not None:
        _in_metadata(body["location"], area)
    properties = _properties(body.get("properties"), area)
    # Optional in the specification, but Nessie 0.99.0 wants it.
    return {"stage-create": False, **body, "properties": properties}


def _update_table(call: Call, body: Body) -> Body:
    _object(body, _fields("identifier", "requirements", "updates"))
    return _table_change(call, body, (call.namespace, call.table))


def _table_change(
    call: Call, change: Body, addressed: tuple[tuple[str, ...], str] | None = None
) -> Body:
    identifier = change.get("identifier")
    if addressed is None or identifier is not None:
        found = _identifier(call, identifier)
        if addressed is not None and found != addressed:
            raise malformed("the body names another table than the path")
        addressed = found
    area = call.caller.tenant.area(addressed[0])
    for requirement in _list(change.get("requirements") or []):
        _object(requirement)
    for update in _list(change.get("updates") or []):
        _update(_object(update), area)
    return change


def _identifier(call: Call, given: object) -> tuple[tuple[str, ...], str]:
    found = _object(given, _fields("namespace", "name"))
    return own_namespace(call.caller, found.get("namespace")), name(found.get("name"))


def _update(update: Body, area: Area) -> None:
    action = update.get("action")
    if not isinstance(action, str) or action not in _UPDATES:
        raise forbidden("update", "a change of the table is of a kind that is not known")
    _object(update, _UPDATES[action] | {"action"})
    if action == "add-schema":
        # Left out by newer clients; Nessie 0.99.0 wants it, and keeps a higher one that it has.
        update.setdefault("last-column-id", _highest_id(update.get("schema")))
    elif action == "set-location":
        _in_metadata(update.get("location"), area)
    elif action == "set-properties":
        _properties(update.get("updates"), area)
    elif action == "add-snapshot":
        snapshot = _object(update.get("snapshot"))
        if "manifest-list" in snapshot:
            _in_area(snapshot["manifest-list"], area)
        # Format version 1 may name the manifests instead.
        for manifest in _list(snapshot.get("manifests") or []):
            _in_area(manifest, area)
    elif action in _STATISTICS:
        statistics = _object(update.get(_STATISTICS[action]))
        _in_area(statistics.get("statistics-path"), area)


def _highest_id(schema: object) -> int:
    """Of the columns of an Iceberg schema, nested ones too (specification, "Schemas")."""
    highest, waiting = 0, [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            waiting.extend(node.values())
            ids = (node.get(key) for key in ("id", "element-id", "key-id", "value-id"))
            highest = max([highest, *(found for found in ids if isinstance(found, int))])
    return highest


def _rename_table(call: Call, body: Body) -> Body:
    _object(body, _fields("source", "destination"))
    tenant = call.caller.tenant
    source, _ = _identifier(call, body.get("source"))
    destination, _ = _identifier(call, body.get("destination"))
    if tenant.is_restricted(source) != tenant.is_restricted(destination):
        raise forbidden("restricted", "a table does not move between public and restricted")
    return body


def _commit_transaction(call: Call, body: Body) -> Body:
    _object(body, _fields("table-changes"))
    for change in _list(body.get("table-changes")):
        _table_change(call, _object(change, _fields("identifier", "requirements", "updates")))
    return body


def _branch_source(call: Call, body: Body) -> Body:
    _object(body, _fields("type", "name", "hash"))
    if body.get("type", "BRANCH") != "BRANCH":
        raise malformed("a branch starts from a branch")
    source = own_reference(call.caller, body.get("name", MAIN))
    given = body.get("hash")
    found = {"type": "BRANCH", "name": source}
    return found if given is None else found | {"hash": digest(given)}


_CHECKS: Mapping[str, Callable[[Call, Body], Body]] = {
    "create-namespace": _create_namespace,
    "update-namespace-properties": _update_namespace,
    "create-table": _create_table,
    "update-table": _update_table,
    "rename-table": _rename_table,
    "commit-transaction": _commit_transaction,
    "create-branch": _branch_source,
    "assign-branch": _branch_source,
}
