"""What a body may say, call by call; that the call itself is allowed is tested elsewhere."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.pipelines.gateway.conftest import BUCKET, Desk

CATALOG = "/iceberg/v1/main%7Cacme"
NAMESPACES = f"{CATALOG}/namespaces"
TABLES = f"{NAMESPACES}/acme/tables"
RESTRICTED_TABLES = f"{NAMESPACES}/acme_restricted/tables"
TABLE = f"{TABLES}/events"
OWN, OWN_DATA = f"{BUCKET}/acme/lakehouse/metadata", f"{BUCKET}/acme/lakehouse/data"
RESTRICTED = f"{BUCKET}/acme/restricted/metadata"
ELSEWHERE = [
    f"{BUCKET}/globex/lakehouse/metadata/t",
    f"{OWN}/../../../globex/lakehouse/metadata/t",
    f"{OWN}/%2e%2e/%2e%2e/globex",
    f"{BUCKET}/Acme/lakehouse/metadata/t",
    "s3a://lake/acme/lakehouse/metadata/t",
    RESTRICTED,
    "",
    7,
    [OWN],
]
IDENTIFIER = {"namespace": ["acme"], "name": "events"}


def answered(desk: Desk, location: str = f"{OWN}/t") -> None:
    table = {"metadata": {"location": location}, "metadata-location": None}
    desk.answer = lambda _request: httpx.Response(200, json=table)


def sent(desk: Desk) -> Any:
    return json.loads(desk.asked[-1].content)


def refused(desk: Desk, target: str, body: Any) -> bool:
    before = len(desk.asked)
    status = desk.call("POST", target, body).status
    assert len(desk.asked) == before or status < 400
    return status in (400, 403)


@pytest.mark.parametrize("location", ELSEWHERE)
def test_no_body_names_a_place_that_is_not_the_tenants(desk: Desk, location: Any) -> None:
    def update(**fields: Any) -> dict[str, Any]:
        return {"requirements": [], "updates": [fields]}

    for target, body in (
        (NAMESPACES, {"namespace": ["acme", "x"], "properties": {"location": location}}),
        (f"{NAMESPACES}/acme/properties", {"updates": {"location": location}, "removals": []}),
        (f"{NAMESPACES}/acme/properties", {"updates": {"LOCATION": location}}),
        (TABLES, {"name": "t", "schema": {}, "location": location}),
        (TABLES, {"name": "t", "schema": {}, "properties": {"write.data.path": location}}),
        (TABLES, {"name": "t", "schema": {}, "properties": {"write.metadata.path": location}}),
        (TABLE, update(action="set-location", location=location)),
        (TABLE, update(action="set-properties", updates={"write.data.path": location})),
        (TABLE, update(action="set-properties", updates={"write.metadata.path": location})),
        (TABLE, update(action="add-snapshot", snapshot={"manifest-list": location})),
        (TABLE, update(action="add-snapshot", snapshot={"manifests": [location]})),
        (TABLE, update(action="set-statistics", statistics={"statistics-path": location})),
        (
            TABLE,
            update(
                action="set-partition-statistics",
                **{"partition-statistics": {"statistics-path": location}},
            ),
        ),
        (
            f"{CATALOG}/transactions/commit",
            {
                "table-changes": [
                    {"identifier": IDENTIFIER, "requirements": [], "updates": []},
                    {
                        "identifier": IDENTIFIER,
                        **update(action="set-location", location=location),
                    },
                ]
            },
        ),
    ):
        assert refused(desk, target, body), (target, body)


def test_own_places_are_passed_on(desk: Desk) -> None:
    answered(desk)
    properties = {"write.data.path": f"{OWN_DATA}/t", "comment": "see https://wiki"}
    created = {"name": "t", "schema": {}, "location": f"{OWN}/t", "properties": properties}
    assert desk.call("POST", TABLES, created).status == 200
    assert sent(desk) == {"stage-create": False, **created}
    updates = [
        {"action": "set-location", "location": f"{OWN}/t"},
        {"action": "set-properties", "updates": properties},
        {"action": "add-snapshot", "snapshot": {"manifest-list": f"{OWN}/t/snap-1.avro"}},
        {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 1},
    ]
    changed = {"identifier": IDENTIFIER, "requirements": [{"type": "assert-create"}]}
    assert desk.call("POST", TABLE, {**changed, "updates": updates}).status == 200
    assert sent(desk) == {**changed, "updates": updates}


def test_what_this_nessie_asks_for_beyond_the_specification_is_filled_in(desk: Desk) -> None:
    answered(desk)
    nested = {"type": "map", "key-id": 7, "key": "string", "value-id": 9, "value": "string"}
    schema = {"fields": [{"id": 1, "type": "string"}, {"id": 2, "type": nested}]}
    desk.call("POST", TABLE, {"updates": [{"action": "add-schema", "schema": schema}]})
    assert sent(desk)["updates"][0]["last-column-id"] == 9
    given = {"action": "add-schema", "schema": schema, "last-column-id": 12}
    desk.call("POST", TABLE, {"updates": [given]})
    assert sent(desk)["updates"] == [given]


def test_restricted_tables_lie_under_the_restricted_prefix_alone(desk: Desk) -> None:
    def namespace(*elements: str, **properties: str) -> Any:
        return {"namespace": list(elements), "properties": properties}

    # Nessie derives where tables lie from the namespace, so the gateway says it there.
    desk.call("POST", NAMESPACES, namespace("acme_restricted"))
    assert sent(desk)["properties"] == {"location": f"{RESTRICTED}/"}
    desk.call("POST", NAMESPACES, namespace("acme_restricted", location=f"{RESTRICTED}/x"))
    assert sent(desk)["properties"] == {"location": f"{RESTRICTED}/x"}
    desk.call("POST", NAMESPACES, namespace("acme_restricted", "inner"))
    assert sent(desk)["properties"] == {}
    for body in (
        namespace("acme_restricted", location=OWN),
        namespace("acme_restricted", "inner", location=OWN),
        namespace("acme", "public", location=RESTRICTED),
    ):
        assert refused(desk, NAMESPACES, body)
    assert refused(desk, RESTRICTED_TABLES, {"name": "t", "schema": {}, "location": f"{OWN}/t"})
    properties = f"{NAMESPACES}/acme_restricted/properties"
    assert refused(desk, properties, {"updates": {"location": OWN}, "removals": []})
    assert refused(desk, properties, {"updates": {}, "removals": ["location"]})
    answered(desk, f"{RESTRICTED}/t")
    assert desk.call("POST", RESTRICTED_TABLES, {"name": "t", "schema": {}}).status == 200
    answered(desk, f"{OWN}/t")  # of a namespace that was made without the gateway
    assert desk.call("POST", RESTRICTED_TABLES, {"name": "t", "schema": {}}).status == 403


def test_a_table_does_not_move_between_public_and_restricted(desk: Desk) -> None:
    restricted = {"namespace": ["acme_restricted"], "name": "events"}
    rename = f"{CATALOG}/tables/rename"
    assert refused(desk, rename, {"source": restricted, "destination": IDENTIFIER})
    assert refused(desk, rename, {"source": IDENTIFIER, "destination": restricted})
    inner = {"namespace": ["acme_restricted", "inner"], "name": "events"}
    assert not refused(desk, rename, {"source": restricted, "destination": inner})


@pytest.mark.parametrize("namespace", [["globex"], ["acme-etl"], ["acme.x"], [], "acme", None, [7]])
def test_no_body_names_a_namespace_that_is_not_the_tenants(desk: Desk, namespace: Any) -> None:
    foreign = {"namespace": namespace, "name": "events"}
    transaction = f"{CATALOG}/transactions/commit"
    for target, body in (
        (NAMESPACES, {"namespace": namespace}),
        (TABLE, {"identifier": foreign, "updates": []}),
        (f"{CATALOG}/tables/rename", {"source": foreign, "destination": IDENTIFIER}),
        (f"{CATALOG}/tables/rename", {"source": IDENTIFIER, "destination": foreign}),
        (transaction, {"table-changes": [{"identifier": foreign}]}),
        (transaction, {"table-changes": [{"identifier": IDENTIFIER}, {"identifier": foreign}]}),
        (transaction, {"table-changes": [{"updates": []}]}),
    ):
        assert refused(desk, target, body), (target, body)


@pytest.mark.parametrize(
    "body",
    [
        {"updates": [{"action": "register", "location": OWN}]},
        {"updates": [{"action": "set-properties", "updates": {}, "location": "s3://x/y"}]},
        {"updates": [{"action": ["set-location"], "location": OWN}]},
        {"updates": [{"Action": "set-location", "location": OWN}]},
        {"updates": [{}]},
        {"updates": ["set-location"]},
        {"updates": {"action": "set-location"}},
        {"requirements": ["x"]},
        {"identifier": {"namespace": ["acme"], "name": "other"}},
        {"identifier": {**IDENTIFIER, "warehouse": "globex"}},
        {"metadata-location": OWN},
        {"updates": [{"action": "set-properties", "updates": {"a": {"b": "c"}}}]},
        "text",
        7,
        None,
    ],
)
def test_what_a_commit_says_that_is_not_known_is_refused(desk: Desk, body: Any) -> None:
    assert refused(desk, TABLE, body)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"updates": [], "updates": [{"action": "set-location", "location": "s3://x/y"}]}',
        b'{"updates": [{"action": "assign-uuid", "uuid": "a", "uuid": "b"}]}',
        b'{"updates": NaN}',
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"",
    ],
)
def test_a_body_that_two_readers_could_read_differently_is_refused(desk: Desk, raw: bytes) -> None:
    assert refused(desk, TABLE, [raw])


def test_the_log_names_what_a_body_is_about(desk: Desk) -> None:
    other = {**IDENTIFIER, "name": "other"}
    for target, body in (
        (NAMESPACES, {"namespace": ["acme", "new"]}),
        (TABLES, {"name": "new", "schema": {}}),
        (f"{CATALOG}/tables/rename", {"source": IDENTIFIER, "destination": other}),
        (f"{CATALOG}/transactions/commit", {"table-changes": [{"identifier": other}]}),
        (TABLE, {"updates": []}),
    ):
        desk.call("POST", target, body)
    assert [line["names"] for line in desk.lines] == [
        ["acme.new"],
        ["acme.new"],
        ["acme.events", "acme.other"],
        ["acme.other"],
        ["acme.events"],
    ]
