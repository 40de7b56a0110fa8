import string
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.gateway.calls import operation_of, read_call
from pipelines.gateway.paths import name, path, query, segments
from pipelines.gateway.refusal import Refused
from pipelines.gateway.tenants import read_tenant
from pipelines.gateway.tokens import Caller
from tenancy.names import RoleKind
from tenancy.nessie import SHARED_WAREHOUSE
from tests.pipelines.gateway.conftest import TENANTS

CALLER = Caller(read_tenant("acme", TENANTS["acme"]), "somebody", frozenset({RoleKind.ADMIN}))
PIECES = [*"xX%25Ff./;\\|@_-1 ", "acme", "globex", "main", "%2F", "%2e", "%1F", "%7C", "..", "@ab"]
WIRE = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=8))
def test_a_path_that_is_put_together_is_taken_apart_again(parts: list[str]) -> None:
    assert segments(path(*parts).encode()) == tuple(parts)


def test_a_path_has_an_end() -> None:
    assert len(segments(b"/a" * 4096)) == 4096
    with pytest.raises(Refused):
        segments(b"/a" * 4097)


@given(st.binary(max_size=60))
def test_each_part_is_decoded_exactly_once(raw: bytes) -> None:
    try:
        parts = segments(b"/" + raw)
    except Refused:
        return
    assert len(parts) == raw.count(b"/") + 1
    assert [part.encode() for part in parts] == [
        unquote(piece, "latin-1").encode("latin-1") for piece in raw.decode("latin-1").split("/")
    ]


@given(st.text())
def test_a_name_needs_no_decoding_and_says_one_thing(text: str) -> None:
    try:
        found = name(text)
    except Refused:
        return
    assert found == text == quote(text, safe="")
    assert set(text) <= set(string.ascii_letters + string.digits + "_-")


@given(WIRE, WIRE, WIRE)
def test_however_it_is_written_a_call_stays_among_the_tenants_names(
    prefix: str, namespace: str, table: str
) -> None:
    raw = f"/iceberg/v1/{prefix}%7Cacme/namespaces/acme{namespace}/tables/t{table}".encode()
    try:
        parts = segments(raw)
        call = read_call(CALLER, operation_of("GET", parts), parts, b"")
    except Refused:
        return
    asked = unquote(call.path)
    assert call.reference == "main" or call.reference.startswith("acme_")
    assert asked.startswith(f"/iceberg/v1/{call.reference}|{SHARED_WAREHOUSE}/namespaces/acme")
    assert not {"..", "."} & set(asked.split("/"))
    assert call.namespace[0] == "acme"


@pytest.mark.parametrize("kind", ["GET", "PUT", "DELETE"])
@given(branch=WIRE)
def test_however_it_is_written_a_branch_is_the_tenants_own(kind: str, branch: str) -> None:
    raw = f"/api/v2/trees/acme{branch}".encode()
    try:
        parts = segments(raw)
        call = read_call(CALLER, operation_of(kind, parts), parts, b"type=BRANCH" * (kind != "GET"))
    except Refused:
        return
    assert call.reference.startswith("acme_")


def test_a_query_has_each_of_its_parameters_once() -> None:
    allowed = frozenset({"parent", "pageToken"})
    assert query(b"parent=a%1Fb&pageToken=x", allowed) == {"parent": "a\x1fb", "pageToken": "x"}
    assert query(b"", allowed) == {}
    for raw in (b"parent=a&parent=b", b"other=1", b"parent", b"parent=%zz", b"p%61rent=a", b"&"):
        with pytest.raises(Refused):
            query(raw, allowed)
    with pytest.raises(Refused):
        query(b"pageToken=" + b"x" * 10_000, allowed)
