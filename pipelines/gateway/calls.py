"""The allow-list: which calls there are, and what of one is the caller's to choose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.gateway.paths import NAMESPACE_SEPARATOR, name, path, query
from pipelines.gateway.refusal import forbidden, malformed
from pipelines.gateway.tokens import Caller
from tenancy.nessie import MAIN, SHARED_WAREHOUSE

DEEPEST_NAMESPACE = 16  # elements

_CATALOG = "/iceberg/v1/{prefix}"
_NAMESPACES = f"{_CATALOG}/namespaces"
_NAMESPACE = f"{_NAMESPACES}/{{namespace}}"
_TABLES = f"{_NAMESPACE}/tables"
_TABLE = f"{_TABLES}/{{table}}"
_BRANCHES = "/api/v2/trees"
_PAGE = frozenset({"pageToken", "pageSize"})
_HASH = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True)
class Operation:
    """One call that there is. ``template`` as in the specifications, from the gateway's root."""

    name: str
    method: str
    template: str
    writes: bool = False
    has_body: bool = False
    query: frozenset[str] = frozenset()

    @property
    def parts(self) -> tuple[str, ...]:
        """The template's segments."""
        return tuple(self.template[1:].split("/"))


def _write(name: str, template: str) -> Operation:
    return Operation(name, "POST", template, writes=True, has_body=True)


# Iceberg REST specification, "paths"; Nessie's API v2 for branches, which Iceberg's has not.
OPERATIONS = (
    Operation("config", "GET", "/iceberg/v1/config", query=frozenset({"warehouse"})),
    Operation("list-namespaces", "GET", _NAMESPACES, query=_PAGE | {"parent"}),
    _write("create-namespace", _NAMESPACES),
    Operation("load-namespace", "GET", _NAMESPACE),
    Operation("namespace-exists", "HEAD", _NAMESPACE),
    Operation("drop-namespace", "DELETE", _NAMESPACE, writes=True),
    _write("update-namespace-properties", f"{_NAMESPACE}/properties"),
    Operation("list-tables", "GET", _TABLES, query=_PAGE),
    _write("create-table", _TABLES),
    Operation("load-table", "GET", _TABLE, query=frozenset({"snapshots"})),
    Operation("table-exists", "HEAD", _TABLE),
    _write("update-table", _TABLE),
    Operation("drop-table", "DELETE", _TABLE, writes=True, query=frozenset({"purgeRequested"})),
    _write("rename-table", f"{_CATALOG}/tables/rename"),
    _write("commit-transaction", f"{_CATALOG}/transactions/commit"),
    Operation("list-branches", "GET", _BRANCHES),
    Operation("load-branch", "GET", f"{_BRANCHES}/{{branch}}"),
    Operation(
        "create-branch",
        "POST",
        _BRANCHES,
        writes=True,
        has_body=True,
        query=frozenset({"name", "type"}),
    ),
    Operation(
        "assign-branch",
        "PUT",
        f"{_BRANCHES}/{{branch@hash}}",
        writes=True,
        has_body=True,
        query=frozenset({"type"}),
    ),
    Operation(
        "drop-branch",
        "DELETE",
        f"{_BRANCHES}/{{branch@hash}}",
        writes=True,
        query=frozenset({"type"}),
    ),
)


@dataclass(frozen=True)
class Call:
    """A call that the caller may make, as far as its path and query say.

    ``reference``: the branch; empty where the call has none. ``path`` and ``query`` are what
    Nessie is asked, written anew from what was checked.
    """

    operation: Operation
    caller: Caller
    path: str
    query: Mapping[str, str]
    reference: str = ""
    namespace: tuple[str, ...] = ()
    table: str = ""


@dataclass
class _Found:
    """What the variable parts of a path say."""

    path: list[str] = field(default_factory=list)
    reference: str = ""
    namespace: tuple[str, ...] = ()
    table: str = ""


def operation_of(method: str, parts: Sequence[str]) -> Operation:
    """The operation that the decoded path and the method name.

    Raises:
        Refused: there is none.
    """
    for operation in OPERATIONS:
        if operation.method == method and len(operation.parts) == len(parts):
            pairs = zip(operation.parts, parts, strict=True)
            if all(known.startswith("{") or known == part for known, part in pairs):
                return operation
    raise forbidden("not on the list", "this catalog does not offer that call")


def read_call(caller: Caller, operation: Operation, parts: Sequence[str], raw_query: bytes) -> Call:
    """The call, when it is the caller's to make.

    Raises:
        Refused: it is not, or is not of the right form.
    """
    if operation.writes and not caller.writes:
        raise forbidden("role", "the token's role may not write")
    found = _Found()
    for known, part in zip(operation.parts, parts, strict=True):
        _read_part(found, caller, known, part)
    asked = _checked_query(caller, operation, query(raw_query, operation.query))
    return Call(
        operation,
        caller,
        path(*found.path),
        asked,
        found.reference or asked.get("name", ""),
        found.namespace,
        found.table,
    )


def _read_part(found: _Found, caller: Caller, known: str, part: str) -> None:
    if known == "{prefix}":
        reference, bar, warehouse = part.partition("|")
        if not bar:
            raise malformed("a prefix is <branch>|<tenant>")
        if name(warehouse) != caller.tenant.id:
            raise forbidden("warehouse", "the warehouse is not the tenant's own")
        found.reference = own_reference(caller, reference)
        part = f"{reference}|{SHARED_WAREHOUSE}"
    elif known == "{namespace}":
        found.namespace = own_namespace(caller, part.split(NAMESPACE_SEPARATOR))
    elif known == "{table}":
        found.table = name(part)
    elif known.startswith("{branch"):
        reference, at, digest = part.partition("@")
        if ("@" in known) != bool(at) or (at and not _HASH.fullmatch(digest)):
            raise malformed("a branch is changed as <branch>@<hash>, and read without a hash")
        found.reference = own_branch(caller, reference)
    found.path.append(part)


def _checked_query(
    caller: Caller, operation: Operation, asked: Mapping[str, str]
) -> dict[str, str]:
    checked = dict(asked)
    if operation.name == "config":
        warehouse = checked.get("warehouse", caller.tenant.id)
        place = caller.tenant.public.metadata
        if warehouse not in (caller.tenant.id, place, place.removesuffix("/")):
            raise forbidden("warehouse", "the warehouse is not the tenant's own")
        checked["warehouse"] = SHARED_WAREHOUSE
    if "parent" in checked:
        own_namespace(caller, checked["parent"].split(NAMESPACE_SEPARATOR))
    # Whoever deletes files must be somebody whose role reaches the tenant's own only.
    if checked.pop("purgeRequested", "false").lower() != "false":
        raise forbidden("purge", "files are deleted with the tenant's own role, not here")
    if "type" in operation.query and checked.get("type") != "BRANCH":
        raise malformed("the query says type=BRANCH")
    if "name" in operation.query:
        own_branch(caller, checked.get("name"))
    return checked


def own_namespace(caller: Caller, elements: object) -> tuple[str, ...]:
    """The namespace, when it is the caller's to see.

    Raises:
        Refused: it is not, or is none.
    """
    if not isinstance(elements, list) or not 0 < len(elements) <= DEEPEST_NAMESPACE:
        raise malformed("a namespace has 1 to 16 elements")
    found = tuple(name(element) for element in elements)
    if not caller.tenant.owns(found):
        raise forbidden("namespace", "the namespace is not the tenant's own")
    if caller.tenant.is_restricted(found) and not caller.writes:
        raise forbidden("restricted", "the token's role does not see restricted columns")
    return found


def own_reference(caller: Caller, reference: object) -> str:
    """The branch, when it is ``main`` or the caller's own.

    Raises:
        Refused: it is neither.
    """
    found = name(reference)
    if not caller.tenant.may_use(found):
        raise forbidden("branch", f"the branch is neither {MAIN} nor the tenant's own")
    return found


def own_branch(caller: Caller, reference: object) -> str:
    """The branch, when it is the caller's own.

    Raises:
        Refused: it is not.
    """
    found = name(reference)
    if not caller.tenant.owns_branch(found):
        raise forbidden("branch", "the branch's name does not start with the tenant's id and _")
    return found


def digest(text: object) -> str:
    """The hash of a commit.

    Raises:
        Refused: it is none.
    """
    if not isinstance(text, str) or not _HASH.fullmatch(text):
        raise malformed("a hash has 1 to 64 hexadecimal digits")
    return text
