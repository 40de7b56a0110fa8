"""What a client is shown of Nessie's answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from pipelines.gateway.calls import OPERATIONS, Call
from pipelines.gateway.locations import is_below
from pipelines.gateway.refusal import Refused, error_body, forbidden
from tenancy.nessie import MAIN

Answer = dict[str, Any]

LONGEST_MESSAGE = 500  # characters of Nessie's that a client is shown

# Where S3 is, and how to page: no address of Nessie's, nothing signed, no credentials.
_CONFIG = frozenset(
    {
        "client.region",
        "s3.region",
        "s3.endpoint",
        "s3.path-style-access",
        "io-impl",
        "rest-page-size",
        "rest-metrics-reporting-enabled",
    }
)
_SAID_OF_A_REQUEST = re.compile(r"HTTP (4\d\d) [A-Za-z ]+")
_OWN_URL = re.compile(r"https?://[^/]+(?P<path>/catalog/v1/trees/.+)")
_WORD = re.compile(r"[A-Za-z]{0,64}")


def shown(call: Call, content: bytes) -> Answer:
    """The answer, without what is not the caller's.

    Raises:
        Refused: it is of another form than expected, or of a table that lies elsewhere.
    """
    try:
        answer = json.loads(content)
        return _VIEWS[call.operation.name](call, answer)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _unexpected() from error


def is_viewed(call: Call) -> bool:
    """Whether the answer is read by ``shown``; others have nothing to hide."""
    return call.operation.name in _VIEWS


def shown_error(status: int, content: bytes) -> tuple[int, Answer]:
    """What to say for Nessie's error: its words only where they are about the request.

    Its Iceberg API wraps the refusals of its rules, and bodies that it does not understand, into a
    500 (seen with 0.99.0).
    """
    try:
        given = json.loads(content)
        said = given.get("error", given)
        message, kind = str(said.get("message") or ""), str(said.get("type") or "")
    except (ValueError, RecursionError, AttributeError):
        message, kind = "", ""
    if status == HTTPStatus.FORBIDDEN or kind == "AccessCheckException":
        return HTTPStatus.FORBIDDEN, error_body(HTTPStatus.FORBIDDEN, "Nessie's rules refuse it")
    if status == HTTPStatus.UNAUTHORIZED:
        return status, error_body(status, "Nessie does not accept the token")
    if said_of_request := _SAID_OF_A_REQUEST.fullmatch(message):
        status = int(said_of_request[1])
        return status, error_body(status, "Nessie does not understand the request")
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = kind if _WORD.fullmatch(kind) else ""
        return status, error_body(status, message[:LONGEST_MESSAGE], kind)
    return status, error_body(status, "the catalog failed")


def _unexpected() -> Refused:
    return Refused(HTTPStatus.BAD_GATEWAY, "answer", "the catalog's answer is not as expected")


def _plain(config: Mapping[str, str] | None) -> Answer:
    return {key: value for key, value in (config or {}).items() if key in _CONFIG}


def _config(call: Call, answer: Answer) -> Answer:
    tenant = call.caller.tenant
    return {
        "defaults": {
            **_plain(answer["defaults"]),
            "warehouse": tenant.public.metadata.removesuffix("/"),
            # A default: a client that sets `prefix` itself works on a branch of its tenant's.
            "prefix": f"{MAIN}%7C{tenant.id}",
        },
        "overrides": _plain(answer["overrides"]),
        "endpoints": [
            f"{operation.method} {operation.template.removeprefix('/iceberg')}"
            for operation in OPERATIONS
            if operation.template.startswith("/iceberg/v1/{prefix}")
        ],
    }


def _namespaces(call: Call, answer: Answer) -> Answer:
    tenant = call.caller.tenant
    return {
        "next-page-token": answer.get("next-page-token"),
        "namespaces": [
            namespace
            for namespace in answer["namespaces"]
            if tenant.owns(namespace)
            and (call.caller.writes or not tenant.is_restricted(namespace))
        ],
    }


def _table(call: Call, answer: Answer) -> Answer:
    area = call.caller.tenant.area(call.namespace)
    metadata, place = answer["metadata"], answer.get("metadata-location")
    # Nessie 0.99.0 answers a commit with a URL of its own; where that is, is not for clients.
    if call.operation.name == "update-table" and (found := _OWN_URL.fullmatch(place or "")):
        place, places = found["path"], [metadata["location"]]
    else:  # None for a table that is only staged
        places = [metadata["location"], place or metadata["location"]]
    if not all(is_below(each, area.metadata) for each in places):
        raise forbidden("location", "the table does not lie among the tenant's own")
    return {
        "metadata-location": place,
        "metadata": metadata,
        "config": _plain(answer.get("config")),
    }


def _references(call: Call, answer: Answer) -> Answer:
    own = call.caller.tenant.owns_branch
    return {
        "token": answer.get("token"),
        "hasMore": answer.get("hasMore", False),
        "references": [found for found in answer["references"] if own(found["name"])],
    }


_VIEWS: Mapping[str, Callable[[Call, Answer], Answer]] = {
    "config": _config,
    "list-namespaces": _namespaces,
    "create-table": _table,
    "load-table": _table,
    "update-table": _table,
    "list-branches": _references,
}
