"""Catalogs over HTTP, as a client meets them, and all that may be asked of one."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

PATIENCE = 60  # seconds for one answer
SCHEMA = {
    "type": "struct",
    "schema-id": 0,
    "fields": [{"id": 1, "name": "id", "type": "long", "required": False}],
}
_HASH = "0" * 64


@dataclass(frozen=True)
class Catalog:
    """What answers at a URL: a Nessie itself, or the gateway before one."""

    url: str

    def call(self, method: str, path: str, token: str | None, **given: Any) -> requests.Response:
        headers = given.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return requests.request(
            method, f"{self.url}{path}", headers=headers, timeout=PATIENCE, **given
        )

    def raw(self, method: str, path: str, token: str) -> tuple[int, bytes]:
        """With the path as it is: other clients would tidy it up."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found


def refused(answer: requests.Response) -> bool:
    """By the gateway and by Nessie's own API with 403; Nessie's Iceberg API says it in the body
    of a 500, which the answer to a HEAD has not.
    """
    if answer.status_code == 403:
        return True
    if answer.request.method == "HEAD":
        return answer.status_code == 500
    return (
        answer.status_code == 500
        and answer.json()["error"]["type"] == "AccessCheckException"
        and "is not allowed" in answer.json()["error"]["message"]
    )


def namespaces(tenant: str, rest: str = "", branch: str = "main") -> str:
    """The path of the tenant's namespaces on a branch."""
    return f"/iceberg/v1/{branch}%7C{tenant}/namespaces{rest}"


# --- all operations ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Names:
    """Where things are tried: a tenant's names in a catalog. ``own``: its token, for what whoever
    tries would have to know.
    """

    catalog: Catalog
    tenant: str
    own: str

    @property
    def branch(self) -> str:
        return f"{self.tenant}_op"

    @property
    def table(self) -> str:
        return namespaces(self.tenant, f"/{self.tenant}/tables/op")

    def newest(self) -> str:
        """The hash of the branch's newest commit."""
        found = self.catalog.call("GET", f"/api/v2/trees/{self.branch}", self.own).json()
        return str(found["reference"]["hash"])


Attempt = Callable[[Names, str | None], requests.Response]
"""Where, and with whose token."""


def _branch(at: Names, token: str | None) -> requests.Response:
    path = f"/api/v2/trees?name={at.branch}&type=BRANCH"
    main = at.catalog.call("GET", "/api/v2/trees/main", at.own)
    # The gateway does not show `main`, and finds its hash by itself.
    body = main.json()["reference"] if main.ok else {"type": "BRANCH", "name": "main"}
    return at.catalog.call("POST", path, token, json=body)


def _commit(at: Names, token: str | None) -> requests.Response:
    body = {"namespace": [at.tenant, "on_branch"], "properties": {}}
    return at.catalog.call("POST", namespaces(at.tenant, branch=at.branch), token, json=body)


def _assign(at: Names, token: str | None) -> requests.Response:
    digest = at.newest()
    body = {"type": "BRANCH", "name": at.branch, "hash": digest}
    path = f"/api/v2/trees/{at.branch}@{digest}?type=BRANCH"
    return at.catalog.call("PUT", path, token, json=body)


def _delete(at: Names, token: str | None) -> requests.Response:
    path = f"/api/v2/trees/{at.branch}@{at.newest()}?type=BRANCH"
    return at.catalog.call("DELETE", path, token)


def _create(at: Names, token: str | None) -> requests.Response:
    body = {"name": "op", "schema": SCHEMA, "stage-create": False}
    return at.catalog.call("POST", at.table.removesuffix("/op"), token, json=body)


def _update(at: Names, token: str | None) -> requests.Response:
    update = {"action": "set-properties", "updates": {"a": "b"}}
    return at.catalog.call("POST", at.table, token, json={"requirements": [], "updates": [update]})


# Nessie documentation, "Authorization": the operations that its rules know; in an order in which
# each finds what it needs.
OPERATIONS: Mapping[str, Attempt] = {
    "CREATE_REFERENCE": _branch,
    "VIEW_REFERENCE": lambda at, token: at.catalog.call("GET", f"/api/v2/trees/{at.branch}", token),
    "COMMIT_CHANGE_AGAINST_REFERENCE": _commit,
    "ASSIGN_REFERENCE_TO_HASH": _assign,
    "DELETE_REFERENCE": _delete,
    "CREATE_ENTITY": _create,
    "READ_ENTRIES": lambda at, token: at.catalog.call("GET", at.table.removesuffix("/op"), token),
    "READ_CONTENT_KEY": lambda at, token: at.catalog.call("HEAD", at.table, token),
    "READ_ENTITY_VALUE": lambda at, token: at.catalog.call("GET", at.table, token),
    "UPDATE_ENTITY": _update,
    "DELETE_ENTITY": lambda at, token: at.catalog.call("DELETE", at.table, token),
}
READS = frozenset({"VIEW_REFERENCE", "READ_ENTRIES", "READ_CONTENT_KEY", "READ_ENTITY_VALUE"})
LOG = "LIST_COMMIT_LOG"
"""Of what no tenant needs, what a tenant may that is alone in its Nessie."""
NOBODYS: Mapping[str, Attempt] = {
    LOG: lambda at, token: at.catalog.call("GET", "/api/v2/trees/main/history", token),
    "READ_REPOSITORY_CONFIG": lambda at, token: at.catalog.call(
        "GET", "/api/v2/config/repository?type=GARBAGE_COLLECTOR", token
    ),
    "UPDATE_REPOSITORY_CONFIG": lambda at, token: at.catalog.call(
        "POST",
        "/api/v2/config/repository",
        token,
        json={
            "config": {
                "type": "GARBAGE_COLLECTOR",
                "defaultCutoffPolicy": "NONE",
                "newFilesGracePeriod": "PT1H",
            }
        },
    ),
    "CREATE_TAG": lambda at, token: at.catalog.call(
        "POST",
        f"/api/v2/trees?name={at.tenant}s-tag&type=TAG",
        token,
        json={"type": "BRANCH", "name": "main", "hash": _HASH},
    ),
}


# --- names that are none ----------------------------------------------------------------------


def names_that_are_none(tenant: str, other: str) -> tuple[str, ...]:
    """Paths in which a name climbs out of the tenant's own, hides that it does, or has no end."""
    own = namespaces(tenant)
    return (
        f"{own}/{tenant}/tables/../../{other}/tables/events",
        f"{own}/{tenant}/../{other}",
        f"/iceberg/v1/main%7C{tenant}/../main%7C{other}/namespaces/{other}/tables/events",
        f"{own}/{tenant}/tables/..%2F..%2F{other}",
        f"{own}/{tenant}/tables/..%252F{other}",
        f"{own}/{tenant}%2F{other}",
        f"{own}/{tenant}/tables/{'x' * 10_000}",
        f"{own}/{'x' * 10_000}",
        f"/iceberg/v1/{'x' * 10_000}/namespaces",
    )
