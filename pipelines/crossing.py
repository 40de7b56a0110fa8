"""Attempts of one tenant at another's part, at the catalog and past it, at storage.

They are made with the strongest credentials that the tenant has. An attempt counts as refused only
where the answer says so: a server that is away, or finds nothing, proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

from tenancy.lake import TenantLake
from tenancy.nessie import MAIN

_PATIENCE = 30.0  # seconds for one answer
_RULES = "AccessCheckException"
"""How Nessie 0.99.0 names the refusals of its rules, in the body of a 500."""


class Layer(StrEnum):
    """Where an attempt is made."""

    CATALOG = "catalog"
    STORAGE = "storage"


@dataclass(frozen=True)
class Attempt:
    """One call, and what the answer was: ``refused`` is False for anything but a refusal."""

    layer: Layer
    call: str
    refused: bool
    answer: str


@dataclass(frozen=True)
class Attacker:
    """Whose token and storage credentials are used, and the catalog that the bearer may use."""

    lake: TenantLake
    token: str
    properties: Mapping[str, str]

    def attempts(self, victim: TenantLake, metadata: str) -> Iterator[Attempt]:
        """What the attacker tries at the victim's part.

        Args:
            victim: another tenant's.
            metadata: the S3 URL of the metadata of one of its tables.
        """
        yield from self._at_catalogs(victim, metadata)
        yield from self._at_storage(victim, metadata)

    def _at_catalogs(self, victim: TenantLake, metadata: str) -> Iterator[Attempt]:
        with httpx.Client(
            headers={"Authorization": f"Bearer {self.token}"}, timeout=_PATIENCE, trust_env=False
        ) as client:
            theirs, own = (
                f"{lake.catalog}/v1/{MAIN}%7C{lake.tenant}" for lake in (victim, self.lake)
            )
            sharing = victim.catalog == self.lake.catalog
            # In a catalog of its own another's tables are not there to be refused.
            for prefix in (theirs, own) if sharing else (theirs,):
                for table in victim.tables:
                    path = f"/namespaces/{table.namespace}/tables/{table.name}"
                    yield _asked(client, "GET", prefix, path)
            inner, outer = [victim.tenant, "planted"], [victim.tenant]
            for prefix, namespace in ((theirs, inner), (own, outer)):
                body = {"namespace": namespace, "properties": {}}
                yield _asked(client, "POST", prefix, "/namespaces", body)
            # A shared one could be made to read another's files into the own namespace.
            if sharing:
                body = {"name": "stolen", "metadata-location": metadata}
                yield _asked(client, "POST", own, f"/namespaces/{self.lake.tenant}/register", body)

    def _at_storage(self, victim: TenantLake, metadata: str) -> Iterator[Attempt]:
        given, place = self.properties, urlsplit(metadata)
        client = boto3.client(
            "s3",
            endpoint_url=given.get("s3.endpoint"),
            region_name=given["s3.region"],
            aws_access_key_id=given.get("s3.access-key-id"),
            aws_secret_access_key=given.get("s3.secret-access-key"),
            aws_session_token=given.get("s3.session-token"),
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )
        bucket, key = place.netloc, place.path[1:]
        planted = f"{victim.prefix}lakehouse/data/planted"
        calls: dict[str, Callable[[], object]] = {
            "GetObject": lambda: client.get_object(Bucket=bucket, Key=key),
            "ListObjectsV2": lambda: client.list_objects_v2(Bucket=bucket, Prefix=victim.prefix),
            "ListObjectsV2 of all": lambda: client.list_objects_v2(Bucket=bucket),
            "PutObject": lambda: client.put_object(Bucket=bucket, Key=planted, Body=b"x"),
            "DeleteObject": lambda: client.delete_object(Bucket=bucket, Key=key),
        }
        for name, call in calls.items():
            try:
                call()
            except ClientError as error:
                code = error.response["Error"]["Code"]
                yield Attempt(Layer.STORAGE, name, code == "AccessDenied", code)
            else:
                yield Attempt(Layer.STORAGE, name, refused=False, answer="done")


def _asked(
    client: httpx.Client,
    method: str,
    prefix: str,
    path: str,
    body: Any = None,  # noqa: ANN401 - as JSON has it
) -> Attempt:
    answer = client.request(method, f"{prefix}{path}", json=body)
    refused = answer.status_code == HTTPStatus.FORBIDDEN or _RULES in answer.text
    return Attempt(Layer.CATALOG, f"{method} {path}", refused, str(answer.status_code))
