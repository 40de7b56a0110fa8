"""Whose a CloudTrail record is, told by the names in it.

The grammar is that of ``tenancy.names``: a tenant's id stands between the environment's prefix and
a delimiter that no id contains. Tests hold the two against each other. What is compared are
identities and resources; text that a caller may choose freely, such as a session's name or a user
agent, is not read, or it could make a record somebody else's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from pipelines.registry import AUDIT, TENANT_ID, Section

Record = Mapping[str, Any]
KeyOwners = Callable[[str], str | None]
"""A KMS key's id -> whose it is, as its alias says: records name keys by id."""

ALL = "all"
"""Stands for every tenant: for a call outside any one tenant's part of a shared bucket."""

RECORDS = "records/"
_PLATFORMS = frozenset({"platform", "shared"})
_EVENT_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_SEPARATORS = re.compile(r"[/:\"\s,]+")
_S3_ARN = re.compile(r"arn:[^:]*:s3:::([^/]+)(?:/(.*))?", re.DOTALL)
_KEY_ARN = re.compile(r"arn:[^:]*:kms:[^:]*:[0-9]*:key/(.+)")
_BARE = re.compile(r"[A-Za-z0-9-]+")
_PRINCIPAL = re.compile(
    r"arn:[^:]*:(?:iam|sts)::(?P<account>[0-9]{12}):"
    r"(?:role/(?:.*/)?(?P<role>[^/]+)|assumed-role/(?P<assumed>[^/]+)/.*)"
)
# A refused call may have no requestParameters: then its message alone names the resource.
_REFUSED = re.compile(r'on resource: "?(arn:[^\s"]+)')
_LISTINGS = frozenset(
    {"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"}
)
_LAKE = frozenset({"glue.amazonaws.com", "lakeformation.amazonaws.com", "athena.amazonaws.com"})
_TABLE_FIELDS = frozenset({"name", "tableName", "tableNames", "tablesToDelete"})
# Chosen freely by a caller, or, as columns, named like a table without being one.
_UNREAD = frozenset(
    {"roleSessionName", "sourceIdentity", "externalId", "description", "columns", "partitionKeys"}
)


class Unroutable(ValueError):
    """The record lacks what every CloudTrail record has."""


@dataclass(frozen=True)
class Tenant:
    """How a tenant's records are kept, and who hears of it."""

    retention_days: int
    names: tuple[str, ...]
    siem_queue: str | None
    topic_arn: str | None
    incidents: bool


_FIELDS = len(fields(Tenant))
_LONGEST = 36_500  # days


def read_tenant(id_: str, told: object) -> Tenant:
    """The tenant, as the section of its entry in the registry says (``tenancy.registry``).

    Raises:
        ValueError: it says another thing.
    """
    match told:
        case {
            "retention_days": int(days),
            "names": [*names],
            "siem_queue": str() | None as queue,
            "topic_arn": str() | None as topic,
            "incidents": bool(incidents),
        } if (
            isinstance(told, dict)
            and len(told) == _FIELDS
            and type(days) is int
            and 0 < days <= _LONGEST
            and all(isinstance(each, str) for each in names)
        ):
            return Tenant(days, tuple(names), queue, topic, incidents)
    raise ValueError(f"{id_}: does not say how its records are kept")


SECTION = Section(AUDIT, read_tenant)


@dataclass(frozen=True)
class Routes:
    """The routes document, which ``tenancy.audit_routes`` writes, with the registry's tenants.

    ``retention_days``: how long records are kept that are not of tenants here alone, at least.
    """

    prefix: str
    snake_prefix: str
    account_id: str
    owner: str
    bucket: str
    shared_bucket: str
    shared_database: str
    router_role_arn: str
    alerts_topic_arn: str
    incidents_topic_arn: str
    retention_days: int
    tenants: Mapping[str, Tenant]

    @classmethod
    def read(cls, text: str) -> Routes:
        """The routes that the document says, of no tenant yet."""
        return cls(**json.loads(text), tenants={})

    def serving(self, tenants: Mapping[str, Tenant]) -> Routes:
        """The routes for these tenants; what is nobody's alone is kept as long as the most
        demanding asks for.
        """
        days = max([self.retention_days, *(each.retention_days for each in tenants.values())])
        return replace(self, tenants=tenants, retention_days=days)

    @cached_property
    def _irregular(self) -> Mapping[str, str]:
        """The names that a short limit keeps from following the grammar -> whose they are."""
        return {name: id_ for id_, tenant in self.tenants.items() for name in tenant.names}

    def owner_of_name(self, name: str) -> str | None:
        """The tenant that the name is made from; it need not be one of this account's."""
        for start, end in ((f"{self.prefix}--", "--"), (f"{self.snake_prefix}__", "__")):
            if name.startswith(start):
                found = name.removeprefix(start).partition(end)[0].replace("_", "-")
                return found if TENANT_ID.fullmatch(found) and found not in _PLATFORMS else None
        return self._irregular.get(name)

    def owner_of_object(self, bucket: str, key: str | None) -> str | None:
        """Whose an S3 object is, or all that start with ``key``. None for ``key``: the bucket."""
        if bucket not in (self.shared_bucket, self.bucket):
            return self.owner_of_name(bucket)
        if key is None:
            return None
        if bucket == self.bucket:
            key = key.removeprefix(RECORDS) if key.startswith(RECORDS) else ""
        first, delimiter, _ = key.partition("/")
        return first if delimiter and TENANT_ID.fullmatch(first) else ALL

    def owners_in(self, text: str, owner_of_key: KeyOwners) -> Iterator[str | None]:
        """Whom an ARN or a name belongs to."""
        if found := _S3_ARN.fullmatch(text):
            yield self.owner_of_object(found[1], found[2])
            return
        if found := _KEY_ARN.fullmatch(text):
            yield owner_of_key(found[1])
            return
        parts = _SEPARATORS.split(text)
        for part, following in zip(parts, [*parts[1:], ""], strict=True):
            if part == self.prefix and following in self.tenants:
                yield following
            elif part == self.shared_database:
                yield self.owner_of_table(following)
            else:
                yield self.owner_of_name(part)

    def owner_of_table(self, table: str) -> str | None:
        """Whose a table of the shared database is."""
        tenant, delimiter, _ = table.partition("__")
        found = tenant.replace("_", "-")
        return found if delimiter and found in self.tenants else None


@dataclass(frozen=True)
class Route:
    """Where one record goes. ``actor``: the tenant whose role acted, if one did.

    ``touched``: whose resources were reached or tried for, ``ALL`` among them.
    """

    event_id: str
    day: str
    actor: str | None
    touched: frozenset[str]

    @property
    def trespassed(self) -> tuple[str, ...]:
        """Whom a tenant's role reached, or tried to, that is not its own tenant."""
        return tuple(sorted(self.touched - {self.actor})) if self.actor else ()

    def destinations(self, routes: Routes) -> tuple[str, ...]:
        """The tenants whom the record concerns; the account's owner where that is not enough."""
        concerned = self.touched | ({self.actor} if self.actor else set())
        known = {id_ for id_ in concerned if id_ in routes.tenants}
        return tuple(sorted(known if known and known == concerned else known | {routes.owner}))

    def key(self, destination: str) -> str:
        """The object that the record is kept in: the same whenever it comes again."""
        return f"{RECORDS}{destination}/{self.day}/{self.event_id}.json"


def is_echo(record: Record, routes: Routes) -> bool:
    """Whether the record tells only that the router encrypted what it wrote.

    Routing it would write again, without end. It stays in the trail's own files.
    """
    issuer = _issuer(record.get("userIdentity") or {})
    return record.get("eventSource") == "kms.amazonaws.com" and issuer == routes.router_role_arn


def route(record: Record, routes: Routes, owner_of_key: KeyOwners) -> Route:
    """Where the record goes.

    Raises:
        Unroutable: it has no usable event id or time.
    """
    event_id, time = record.get("eventID"), record.get("eventTime")
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        raise Unroutable("no eventID")
    try:
        day = datetime.fromisoformat(str(time)).astimezone(UTC).strftime("%Y/%m/%d")
    except (ValueError, OverflowError):
        raise Unroutable("no eventTime") from None
    touched = frozenset(owner for owner in _touched(record, routes, owner_of_key) if owner)
    return Route(event_id, day, _actor(record, routes), touched)


def resources(record: Record) -> list[str]:
    """The ARNs that the record itself lists as touched."""
    listed = record.get("resources") or []
    return [
        str(arn)
        for resource in listed
        if isinstance(resource, Mapping)
        for arn in (resource.get("ARN"), resource.get("ARNPrefix"))
        if arn
    ]


def _issuer(identity: Record) -> str:
    """The ARN of the role behind a session, or of the identity itself."""
    session = identity.get("sessionContext") or {}
    return str((session.get("sessionIssuer") or {}).get("arn") or identity.get("arn") or "")


def _actor(record: Record, routes: Routes) -> str | None:
    found = _PRINCIPAL.fullmatch(_issuer(record.get("userIdentity") or {}))
    # Whoever owns another account may name its roles as they like.
    if found is None or found["account"] != routes.account_id:
        return None
    return routes.owner_of_name(found["role"] or found["assumed"])


def _touched(record: Record, routes: Routes, owner_of_key: KeyOwners) -> Iterator[str | None]:
    request = record.get("requestParameters") or {}
    named = resources(record)
    if record.get("eventSource") == "s3.amazonaws.com":
        yield from _objects(record, request, routes)
        # A listing's ARNPrefix may be the bucket alone, whatever prefix was asked for.
        named = [arn for arn in named if not (request and record.get("eventName") in _LISTINGS)]
    else:
        leaves = list(_leaves(request))
        named += [value for _, value in leaves]
        key = request.get("keyId")
        if record.get("eventSource") == "kms.amazonaws.com" and _BARE.fullmatch(str(key)):
            yield owner_of_key(str(key))
        if record.get("eventSource") in _LAKE and routes.shared_database in named:
            yield from (routes.owner_of_table(v) for field, v in leaves if field in _TABLE_FIELDS)
    named += _REFUSED.findall(str(record.get("errorMessage") or ""))
    for text in named:
        yield from routes.owners_in(text, owner_of_key)


def _objects(record: Record, request: Record, routes: Routes) -> Iterator[str | None]:
    bucket, key = request.get("bucketName"), request.get("key")
    if key is None and record.get("eventName") in _LISTINGS:
        key = request.get("prefix") or ""
    if bucket:
        yield routes.owner_of_object(str(bucket), None if key is None else str(key))
    if source := request.get("x-amz-copy-source"):
        bucket, _, key = unquote(str(source)).lstrip("/").partition("/")
        yield routes.owner_of_object(bucket, key)


def _leaves(value: object, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in _UNREAD:
                yield from _leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, field)
