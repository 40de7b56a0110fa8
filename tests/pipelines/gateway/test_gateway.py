"""The whole gateway, before a stub: what reaches Nessie, what a client sees, what is written."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from pipelines.gateway import app
from pipelines.gateway.calls import OPERATIONS, Operation
from tenancy.names import RoleKind
from tenancy.nessie import SHARED_WAREHOUSE
from tests.pipelines.gateway.conftest import BUCKET, ISSUER, Desk, bearer
from tests.tokens import Issuer

CATALOG = "/iceberg/v1/main%7Cacme"
TABLE = f"{CATALOG}/namespaces/acme/tables/events"
OWN = f"{BUCKET}/acme/lakehouse/metadata"
FOREIGN = f"{BUCKET}/globex/lakehouse/metadata"
HASH = "ab12"
READER = bearer("acme", RoleKind.READER)


def target(operation: Operation, tenant: str = "acme", namespace: str | None = None) -> str:
    """The call's path and query for a tenant."""
    path = operation.template.format_map(
        {
            "prefix": f"main%7C{tenant}",
            "namespace": namespace or tenant,
            "table": "events",
            "branch": f"{tenant}_dev",
            "branch@hash": f"{tenant}_dev@{HASH}",
        }
    )
    given = {
        "type": "type=BRANCH",
        "name": f"name={tenant}_dev",
        "warehouse": f"warehouse={tenant}",
    }
    query = "&".join(text for name, text in given.items() if name in operation.query)
    return f"{path}?{query}" if query else path


def body(operation: Operation, tenant: str = "acme") -> Any:
    identifier = {"namespace": [tenant], "name": "events"}
    return {
        "create-namespace": {"namespace": [tenant, "new"], "properties": {}},
        "update-namespace-properties": {"updates": {"owner": "me"}, "removals": []},
        "create-table": {"name": "events", "schema": {}},
        "update-table": {"requirements": [], "updates": []},
        "rename-table": {"source": identifier, "destination": {**identifier, "name": "new"}},
        "commit-transaction": {
            "table-changes": [{"identifier": identifier, "requirements": [], "updates": []}]
        },
        "create-branch": {"type": "BRANCH", "name": "main", "hash": HASH},
        "assign-branch": {"type": "BRANCH", "name": "main", "hash": HASH},
    }.get(operation.name)


def table(location: str = f"{OWN}/events_1") -> dict[str, Any]:
    return {
        "metadata-location": f"{location}/metadata/00000.metadata.json",
        "metadata": {"location": location, "properties": {}},
        "config": {},
    }


def plausible(operation: Operation) -> Any:
    """An answer such as Nessie gives."""
    if operation.name in ("create-table", "load-table", "update-table"):
        return table()
    return {
        "config": {"defaults": {}, "overrides": {}},
        "list-namespaces": {"namespaces": []},
        "list-branches": {"references": []},
    }.get(operation.name, {})


each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=[operation.name for operation in OPERATIONS]
)


@each_operation
def test_a_tenants_writer_makes_every_call_in_its_own_names(
    desk: Desk, operation: Operation
) -> None:
    desk.answer = lambda _request: httpx.Response(200, json=plausible(operation))
    answer = desk.call(operation.method, target(operation), body(operation))
    assert answer.status == 200
    (asked,) = desk.asked
    assert asked.method == operation.method
    # Nessie has one warehouse for all.
    sent = target(operation).replace("main%7Cacme", f"main%7C{SHARED_WAREHOUSE}")
    sent = sent.replace("warehouse=acme", f"warehouse={SHARED_WAREHOUSE}")
    assert unquote(asked.url.raw_path.decode()) == unquote(sent)
    (line,) = desk.lines
    assert line["outcome"] == "allowed"
    assert (line["tenant"], line["identity"], line["roles"]) == ("acme", "somebody", ["writer"])
    assert (line["path"], line["method"]) == (operation.template, operation.method)


@each_operation
def test_a_reader_reads_and_does_not_write(desk: Desk, operation: Operation) -> None:
    desk.answer = lambda _request: httpx.Response(200, json=plausible(operation))
    answer = desk.call(operation.method, target(operation), body(operation), token=READER)
    assert answer.status == (403 if operation.writes else 200)
    assert len(desk.asked) == (0 if operation.writes else 1)
    assert desk.lines[0]["outcome"] == ("refused" if operation.writes else "allowed")


@pytest.mark.parametrize("kind", RoleKind)
@pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if o.name != "list-branches"], ids=lambda o: o.name
)
def test_no_role_makes_a_call_in_anothers_names(
    desk: Desk, operation: Operation, kind: RoleKind
) -> None:
    for tenant in ("globex", "acme-etl"):
        token = bearer("acme", kind)
        asked = desk.call(operation.method, target(operation, tenant), body(operation), token=token)
        assert asked.status == 403
    assert not desk.asked
    assert {line["outcome"] for line in desk.lines} == {"refused"}


@each_operation
def test_without_a_valid_token_there_is_nothing(desk: Desk, operation: Operation) -> None:
    for token in (
        None,
        "Basic YTpi",
        "Bearer no-token",
        f"Bearer {Issuer(ISSUER.issuer, ISSUER.audience).token('acme--writer')}",
        f"Bearer {ISSUER.token('acme--writer', aud='another')}",
        f"Bearer {ISSUER.token('acme--writer', iss='https://evil.example.com')}",
        f"Bearer {ISSUER.token('acme--writer', exp=int(time.time()) - 600)}",
        f"Bearer {ISSUER.token('acme--writer', exp=None)}",
        f"Bearer {ISSUER.token('acme--writer', nbf=int(time.time()) + 600)}",
    ):
        answer = desk.call(operation.method, target(operation), body(operation), token=token)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert desk.lines[-1]["outcome"] == "refused"
        assert desk.lines[-1]["tenant"] is None
    assert not desk.asked


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "sub"])
def test_a_token_that_leaves_out_what_is_checked_is_none(desk: Desk, claim: str) -> None:
    claims = {
        "iss": ISSUER.issuer,
        "aud": ISSUER.audience,
        "exp": int(time.time()) + 600,
        "sub": "somebody",
        "groups": ["acme--writer"],
    }
    pem = ISSUER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = RSAKey.import_key(pem)
    desk.answer = lambda _request: httpx.Response(200, json=table())
    whole = jwt.encode({"alg": "RS256"}, claims, key)
    assert desk.call("GET", TABLE, token=f"Bearer {whole}").status == 200
    del claims[claim]
    partial = jwt.encode({"alg": "RS256"}, claims, key)
    assert desk.call("GET", TABLE, token=f"Bearer {partial}").status == 401


def test_the_algorithm_of_a_token_is_not_the_tokens_to_choose(desk: Desk) -> None:
    claims = ISSUER.token("acme--writer").split(".")[1]
    unsigned = f"eyJhbGciOiJub25lIn0.{claims}."
    assert desk.call("GET", TABLE, token=f"Bearer {unsigned}").status == 401


@pytest.mark.parametrize(
    "groups",
    [(), ("acme",), ("acme--owner",), ("umbrella--writer",), ("acme--writer", "globex--reader")],
)
def test_a_token_acts_for_exactly_one_tenant(desk: Desk, groups: tuple[str, ...]) -> None:
    token = f"Bearer {ISSUER.token(*groups)}"
    assert desk.call("GET", TABLE, token=token).status == 403
    assert desk.lines[0]["identity"] == "somebody"
    assert not desk.asked


def test_no_parameter_and_no_header_changes_who_calls(desk: Desk) -> None:
    desk.answer = lambda _request: httpx.Response(200, json=table())
    headers = {
        "X-Iceberg-Access-Delegation": "vended-credentials,remote-signing",
        "X-Forwarded-Host": "evil.example.com",
        "X-Forwarded-User": "globex",
        "Host": "globex.example.com",
        "Cookie": "a=b",
    }
    desk.call("GET", TABLE, headers=headers)
    (asked,) = desk.asked
    of_the_connection = {"host", "connection", "user-agent"}
    assert set(asked.headers) - of_the_connection == {"authorization", "accept", "accept-encoding"}
    assert asked.headers["host"] == "nessie.internal:19120"
    for query in ("tenant=globex", "warehouse=globex", "snapshots=all&snapshots=refs", "snapshots"):
        assert desk.call("GET", f"{TABLE}?{query}").status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{CATALOG}/namespaces/acme/register"),
        ("POST", f"{CATALOG}/s3sign/abc"),
        ("POST", f"{TABLE}/metrics"),
        ("GET", f"{CATALOG}/namespaces/acme/views"),
        ("POST", f"{CATALOG}/views/rename"),
        ("GET", f"{TABLE}/credentials"),
        ("GET", "/iceberg/acme_dev/v1/config"),
        ("POST", "/iceberg/v1/oauth/tokens"),
        ("PATCH", TABLE),
        ("GET", "/api/v1/trees"),
        ("GET", "/api/v2/config"),
        ("GET", "/api/v2/trees/acme_dev/entries"),
        ("GET", "/api/v2/trees/acme_dev/history"),
        ("GET", "/api/v2/trees/acme_dev/contents/acme.events"),
        ("POST", f"/api/v2/trees/acme_dev@{HASH}/history/commit"),
        ("POST", f"/api/v2/trees/main@{HASH}/history/merge"),
        ("POST", f"/api/v2/trees/main@{HASH}/history/transplant"),
        ("GET", "/catalog/v1/trees/main/snapshot/acme.events"),
        ("GET", "/q/metrics"),
    ],
)
def test_what_is_not_on_the_list_is_refused(desk: Desk, method: str, path: str) -> None:
    answer = desk.call(method, path, {}, token=bearer("acme", RoleKind.ADMIN))
    assert answer.status == 403
    assert not desk.asked
    assert desk.lines[0]["reason"] == "not on the list"


@pytest.mark.parametrize(
    "path",
    [
        f"{CATALOG}/namespaces/../../main%7Cglobex/namespaces/globex",
        f"{CATALOG}/namespaces/acme/tables/..",
        f"{CATALOG}/namespaces/acme/tables/%2e%2e",
        f"{CATALOG}/namespaces/acme/tables/a%2Fb",
        f"{CATALOG}/namespaces/acme/tables/a%252Fb",
        f"{CATALOG}/namespaces/acme/tables/a%5Cb",
        f"{CATALOG}/namespaces/acme/tables/a%00b",
        f"{CATALOG}/namespaces/acme/tables/a;prefix=globex",
        f"{CATALOG}/namespaces/acme/tables/%ff",
        f"{CATALOG}/namespaces/acme/tables/%zz",
        f"{CATALOG}/namespaces/acme/tables/{'x' * 10_000}",
        f"{CATALOG}/namespaces/acme/tables/{'x' * 256}",
        f"{CATALOG}/namespaces/acme.globex",
        f"{CATALOG}/namespaces/acme%1F..%1Fglobex",
        f"{CATALOG}/namespaces/acme%1F",
        f"{CATALOG}/namespaces/{'%1F'.join(['acme'] * 20)}",
        f"{CATALOG}//namespaces",
        "/",
        "/iceberg/v1/main/namespaces/acme",
        f"/iceberg/v1/main@{HASH}%7Cacme/namespaces/acme",
        "/iceberg/v1/main%7Cacme%7Cglobex/namespaces/acme",
    ],
)
def test_a_name_that_two_readers_could_read_differently_is_refused(desk: Desk, path: str) -> None:
    answer = desk.call("GET", path)
    assert answer.status in (400, 403)
    assert not desk.asked
    (line,) = desk.lines
    assert line["outcome"] == "refused"
    said = answer.content.decode() + json.dumps(line)
    assert "globex" not in said
    assert "xxx" not in said
    assert len(said) < 1500


@pytest.mark.parametrize(
    "path",
    [
        "/iceberg/v1/main%7Cglobex/namespaces/acme",
        "/iceberg/v1/main%7CACME/namespaces/acme",
        "/iceberg/v1/globex_dev%7Cacme/namespaces/acme",
        "/iceberg/v1/acme-etl_dev%7Cacme/namespaces/acme",
        "/iceberg/v1/dev%7Cacme/namespaces/acme",
        f"{CATALOG}/namespaces/globex",
        f"{CATALOG}/namespaces/Acme",
        f"{CATALOG}/namespaces?parent=globex",
        "/iceberg/v1/config?warehouse=globex",
        f"/iceberg/v1/config?warehouse={BUCKET}/globex/lakehouse/metadata",
        "/api/v2/trees/main",
        "/api/v2/trees/globex_dev",
    ],
)
def test_foreign_prefixes_branches_and_namespaces_are_refused(desk: Desk, path: str) -> None:
    assert desk.call("GET", path).status == 403
    assert not desk.asked


@pytest.mark.parametrize("operation", ["load-table", "list-tables", "load-namespace"])
def test_restricted_tables_are_not_a_readers_to_see(desk: Desk, operation: str) -> None:
    (found,) = (o for o in OPERATIONS if o.name == operation)
    for namespace in ("acme_restricted", "acme_restricted%1Finner"):
        asked = desk.call(found.method, target(found, namespace=namespace), token=READER)
        assert asked.status == 403
    assert not desk.asked


def test_lists_show_what_is_the_callers(desk: Desk) -> None:
    everything = [["acme"], ["globex"], ["acme_restricted"], ["acme-etl"], ["acmeX"]]
    desk.answer = lambda _request: httpx.Response(200, json={"namespaces": everything})
    namespaces = f"{CATALOG}/namespaces"
    assert desk.call("GET", namespaces).json["namespaces"] == [["acme"], ["acme_restricted"]]
    assert desk.call("GET", namespaces, token=READER).json["namespaces"] == [["acme"]]
    named = [{"name": name} for name in ("main", "acme_dev", "globex_dev", "acme-etl_dev")]
    desk.answer = lambda _request: httpx.Response(200, json={"references": named})
    assert desk.call("GET", "/api/v2/trees").json["references"] == [{"name": "acme_dev"}]


def test_the_configuration_names_own_places_and_nothing_of_nessies(desk: Desk) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.query == f"warehouse={SHARED_WAREHOUSE}".encode()
        offered = {
            "uri": "http://nessie.internal:19120/iceberg/",
            "nessie.core-base-uri": "http://nessie.internal:19120/api/",
            "s3.signer.uri": "http://nessie.internal:19120/iceberg/",
            "s3.access-key-id": "AKIA",
            "s3.session-token": "secret",
            "client.region": "us-east-1",
        }
        defaults = {"prefix": "main%7Cglobex", "warehouse": FOREIGN, "s3.secret-access-key": "x"}
        return httpx.Response(200, json={"defaults": defaults, "overrides": offered})

    desk.answer = answer
    for query in ("", "?warehouse=acme", f"?warehouse={OWN}", f"?warehouse={OWN}/"):
        found = desk.call("GET", f"/iceberg/v1/config{query}").json
        assert found["defaults"] == {"prefix": "main%7Cacme", "warehouse": OWN}
        assert found["overrides"] == {"client.region": "us-east-1"}
        assert "POST /v1/{prefix}/namespaces/{namespace}/tables" in found["endpoints"]
        assert not [endpoint for endpoint in found["endpoints"] if "register" in endpoint]


def test_a_table_comes_without_credentials_and_signing(desk: Desk) -> None:
    offered = {"s3.signer.endpoint": "v1/sign", "s3.access-key-id": "A", "s3.endpoint": "http://s3"}
    credentials = [{"prefix": OWN, "config": {"s3.secret-access-key": "x"}}]
    given = {**table(), "config": offered, "storage-credentials": credentials}
    desk.answer = lambda _request: httpx.Response(200, json=given)
    assert desk.call("GET", TABLE).json == {**table(), "config": {"s3.endpoint": "http://s3"}}


def test_a_commit_is_answered_without_nessies_address(desk: Desk) -> None:
    path = "/catalog/v1/trees/main%40ab12/snapshot/acme.events?format=iceberg"
    given = {**table(), "metadata-location": f"http://nessie.internal:19120{path}"}
    desk.answer = lambda _request: httpx.Response(200, json=given)
    assert desk.call("POST", TABLE, {}).json["metadata-location"] == path
    assert desk.call("GET", TABLE).status == 403
    desk.answer = lambda _request: httpx.Response(
        200, json={**given, "metadata": {"location": f"{FOREIGN}/t"}}
    )
    assert desk.call("POST", TABLE, {}).status == 403


@pytest.mark.parametrize(
    "location",
    [
        f"{FOREIGN}/secret",
        f"{BUCKET}/acme/restricted/metadata/t",
        f"{OWN}/../../globex",
        "s3://x/y",
    ],
)
def test_a_table_that_lies_elsewhere_is_not_shown(desk: Desk, location: str) -> None:
    other_metadata = {**table(), "metadata-location": f"{location}/metadata/0.metadata.json"}
    for given in (table(location), other_metadata):
        desk.answer = lambda _request, given=given: httpx.Response(200, json=given)  # type: ignore[misc]
        answer = desk.call("GET", TABLE)
        assert answer.status == 403
        assert location not in answer.content.decode()


def test_nessies_refusals_are_403_and_its_failures_say_nothing(desk: Desk) -> None:
    def says(status: int, message: str, kind: str) -> None:
        error = {"error": {"message": message, "type": kind, "code": status}}
        desk.answer = lambda _request: httpx.Response(status, json=error)

    says(500, "'READ_ENTITY_VALUE' is not allowed for role 'somebody'", "AccessCheckException")
    assert desk.call("GET", TABLE).status == 403
    says(500, "HTTP 400 Bad Request", "WebApplicationException")
    assert desk.call("GET", TABLE).status == 400
    says(500, "jdbc:postgresql://user:password@host", "SQLException")
    answer = desk.call("GET", TABLE)
    assert (answer.status, answer.json["error"]["message"]) == (500, "the catalog failed")
    assert "SQL" not in answer.content.decode()
    says(404, "Table does not exist: acme.events", "NoSuchTableException")
    answer = desk.call("GET", TABLE)
    assert (answer.status, answer.json["error"]["type"]) == (404, "NoSuchTableException")
    says(409, "Requirement failed", "CommitFailedException")
    assert desk.call("GET", TABLE).json["error"]["type"] == "CommitFailedException"
    desk.answer = lambda _request: httpx.Response(200, content=b"<html>")
    assert desk.call("GET", TABLE).status == 502
    desk.answer = lambda _request: httpx.Response(302, headers={"location": "http://evil"})
    assert desk.call("GET", TABLE).status == 502
    assert [line["outcome"] for line in desk.lines] == [
        *("refused", "allowed", "failed", "allowed", "allowed", "failed", "failed")
    ]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (httpx.ConnectError("nessie.internal"), 503),
        (httpx.PoolTimeout("x"), 503),
        (httpx.ReadTimeout("x"), 504),
        (httpx.RemoteProtocolError("x"), 502),
        (RuntimeError("nessie.internal"), 500),
    ],
)
def test_when_nessie_is_away_the_client_learns_whether_to_try_again(
    desk: Desk, error: Exception, status: int
) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    desk.answer = fail
    answer = desk.call("GET", TABLE)
    assert answer.status == status
    assert "nessie" not in answer.content.decode()
    assert desk.lines[0]["outcome"] == "failed"


def test_a_body_has_a_limit_before_all_of_it_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "LARGEST_BODY", 1000)
    assert desk.call("POST", TABLE, [b"x" * 600, b"x" * 600, None]).status == 413
    assert desk.lines[0]["reason"] == "size"
    monkeypatch.setattr(app, "LARGEST_ANSWER", 100)
    desk.answer = lambda _request: httpx.Response(200, json=table())
    assert desk.call("GET", TABLE).status == 502


def test_a_body_that_does_not_come_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "BODY_PATIENCE", 0.01)
    assert desk.call("POST", TABLE, [b"{", None]).status == 408
    assert desk.lines[-1]["reason"] == "slow"


def test_an_answer_that_does_not_come_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "PATIENCE", 0.01)
    assert desk.call("POST", TABLE, [b"{", None]).status == 504


def test_compressed_bodies_are_not_taken(desk: Desk) -> None:
    headers = {"Content-Encoding": "gzip"}
    assert desk.call("POST", TABLE, {}, headers=headers).status == 415


def test_neither_token_nor_names_that_were_not_checked_are_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise RuntimeError

    desk.answer = fail
    token = bearer("acme")
    desk.call("GET", TABLE, token=token)
    desk.call("GET", f"{CATALOG}/namespaces/acme/tables/hunter2%0Afake", token=token)
    desk.call("GET", TABLE, token=token[:-4])
    assert len(desk.lines) == 3
    everything = caplog.text
    assert token[7:40] not in everything
    assert token.split(".")[2] not in everything
    assert "hunter2" not in everything


def test_a_branch_starts_from_the_newest_commit_when_none_is_named(desk: Desk) -> None:
    newest = {"reference": {"type": "BRANCH", "name": "main", "hash": "cd34"}}
    desk.answer = lambda _request: httpx.Response(200, json=newest)
    made = desk.call("POST", "/api/v2/trees?name=acme_dev&type=BRANCH", {"name": "main"})
    assert made.status == 200
    looked, asked = desk.asked
    assert looked.url.path == "/api/v2/trees/main"
    assert json.loads(asked.content) == {"type": "BRANCH", "name": "main", "hash": "cd34"}


@pytest.mark.parametrize("name", ["acme", "main", "globex_dev", "acme-etl_dev", "dev", ""])
def test_a_branch_is_made_under_the_tenants_own_name_only(desk: Desk, name: str) -> None:
    source = {"type": "BRANCH", "name": "main", "hash": HASH}
    made = desk.call("POST", f"/api/v2/trees?name={name}&type=BRANCH", source)
    assert made.status in (400, 403)
    assert desk.call("POST", "/api/v2/trees?name=acme_dev&type=TAG", source).status == 400
    for wrong in ({**source, "name": "globex_dev"}, {**source, "type": "DETACHED"}):
        made = desk.call("POST", "/api/v2/trees?name=acme_dev&type=BRANCH", wrong)
        assert made.status in (400, 403)
    assert not desk.asked


def test_the_server_deletes_no_files_for_a_client(desk: Desk) -> None:
    assert desk.call("DELETE", f"{TABLE}?purgeRequested=true").status == 403
    assert not desk.asked
    assert desk.call("DELETE", f"{TABLE}?purgeRequested=False").status == 200
    assert desk.asked[0].url.query == b""


def test_health_needs_no_token_and_is_this_process_alone(desk: Desk) -> None:
    assert desk.call("GET", "/health", token=None).status == 200
    assert not desk.asked
    assert not desk.lines


def test_what_has_nothing_to_hide_is_passed_on_as_it_comes(desk: Desk) -> None:
    listed = b'{"identifiers" :  []}'
    desk.answer = lambda _request: httpx.Response(200, content=listed)
    assert desk.call("GET", f"{CATALOG}/namespaces/acme/tables").content == listed
    desk.answer = lambda _request: httpx.Response(204)
    answer = desk.call("HEAD", TABLE)
    assert (answer.status, answer.content) == (204, b"")
