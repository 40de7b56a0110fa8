"""The Lambda function: CloudTrail records from a log subscription to each tenant's prefix.

A failure raises, so that Lambda delivers the batch again and at last to the dead-letter queue. What
was written already is met again by its key and left as it is: a whole retry is safe. Alerts and the
SIEM's messages come before the record, so that none is missing when the record is there; they may
come twice.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from pipelines.audit_router import alerts
from pipelines.audit_router.routing import (
    RECORDS,
    SECTION,
    Routes,
    Tenant,
    Unroutable,
    is_echo,
    route,
)
from pipelines.registry import Registry, place_of

# Amazon SQS, "Message quotas": 256 KiB is the default of a queue.
SIEM_LIMIT = 262_144
ALIASES_LAST = 300.0  # seconds


class Undelivered(Exception):
    """Some records of the batch were not delivered."""


@dataclass(frozen=True)
class Clients:
    """The AWS clients of boto3 that the router calls."""

    s3: Any
    sns: Any
    sqs: Any
    kms: Any


class KeyOwners:
    """Whose a KMS key is, as its alias says; aliases are asked for when a key is not known."""

    def __init__(self, kms: Any, routes: Routes) -> None:  # noqa: ANN401 - boto3 makes its clients
        self._kms = kms
        self._routes = routes
        self._owners: dict[str, str | None] = {}
        self._asked: float | None = None

    def __call__(self, key_id: str) -> str | None:
        """The owner of the key, None for the platform's and AWS's own."""
        stale = self._asked is None or time.monotonic() - self._asked > ALIASES_LAST
        if key_id not in self._owners and stale:
            for page in self._kms.get_paginator("list_aliases").paginate():
                for alias in page["Aliases"]:
                    if "TargetKeyId" in alias:
                        name = alias["AliasName"].removeprefix("alias/")
                        self._owners[alias["TargetKeyId"]] = self._routes.owner_of_name(name)
            self._asked = time.monotonic()
        return self._owners.get(key_id)


class Router:
    """Delivers records, one after another."""

    def __init__(self, routes: Routes, clients: Clients) -> None:
        self._routes = routes
        self._clients = clients
        self._owner_of_key = KeyOwners(clients.kms, routes)
        self._queues: dict[str, str] = {}

    def deliver(self, text: str) -> None:
        """Tell of one record and keep it."""
        routes = self._routes
        try:
            record = json.loads(text)
            if not isinstance(record, dict):
                raise Unroutable("no record")
            if is_echo(record, routes):
                return
            found = route(record, routes, self._owner_of_key)
        # Of another form than documented: keep it as it is rather than guess.
        except (ValueError, RecursionError, AttributeError, TypeError):
            digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
            self._keep(f"{RECORDS}{routes.owner}/unparsed/{digest}", text, routes.retention_days)
            return
        for whose in found.trespassed:
            print(alerts.log_line(found, whose), flush=True)  # noqa: T201 - Lambda logs it
            for topic in alerts.topics(found, whose, routes):
                self._clients.sns.publish(
                    TopicArn=topic,
                    Subject=alerts.subject(found, whose),
                    Message=alerts.message(record, found, whose, routes),
                )
        for destination in found.destinations(routes):
            key, tenant = found.key(destination), routes.tenants.get(destination)
            body = f'{{"tenant":"{destination}","record":{text}}}'
            if tenant and tenant.siem_queue:
                self._tell_siem(tenant.siem_queue, body, key)
            self._keep(key, body, tenant.retention_days if tenant else routes.retention_days)

    def _tell_siem(self, queue: str, body: str, key: str) -> None:
        sqs = self._clients.sqs
        if queue not in self._queues:
            self._queues[queue] = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        # Escapes what SQS would refuse: it takes no control characters.
        message = json.dumps(json.loads(body))
        if len(message) > SIEM_LIMIT:
            message = json.dumps({"too_large": f"s3://{self._routes.bucket}/{key}"})
        sqs.send_message(QueueUrl=self._queues[queue], MessageBody=message)

    def _keep(self, key: str, body: str, days: int) -> None:
        try:
            self._clients.s3.put_object(
                Bucket=self._routes.bucket,
                Key=key,
                Body=body.encode(errors="surrogatepass"),
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",  # Object Lock asks for a checksum
                IfNoneMatch="*",
                ObjectLockMode="COMPLIANCE",
                ObjectLockRetainUntilDate=datetime.now(UTC) + timedelta(days=days),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise  # else it is kept already


def process(event: dict[str, Any], router: Router) -> None:
    """Deliver every record of a log subscription's batch.

    Raises:
        Undelivered: some were not; the others were.
    """
    # CloudWatch Logs User Guide, "Subscription filters with Lambda": base64 of gzip of JSON.
    payload = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if payload["messageType"] == "CONTROL_MESSAGE":  # only checks that somebody listens
        return
    failures = []
    for entry in payload["logEvents"]:
        try:
            router.deliver(entry["message"])
        except Exception as error:  # noqa: BLE001 - one record holds no other up; raised below
            failures.append(f"{entry['id']}: {error}")
    if failures:
        raise Undelivered(f"{len(failures)} of {len(payload['logEvents'])}: {failures[0]}")


class Function:
    """What stays warm from one batch to the next; a change of tenants makes the router anew."""

    def __init__(self, routes: Routes, registry: Registry[Tenant], clients: Clients) -> None:
        self._routes, self._registry, self._clients = routes, registry, clients
        self._tenants: Mapping[str, Tenant] = routes.tenants
        self._router = Router(routes, clients)

    def __call__(self, event: dict[str, Any]) -> None:
        """Deliver a batch, to the tenants as they are now.

        Raises:
            RegistryError: they cannot be told, and could not be since the function started.
            Undelivered: see `process`.
        """
        tenants = self._registry.read()
        if tenants is not self._tenants:
            self._tenants = tenants
            self._router = Router(self._routes.serving(tenants), self._clients)
        process(event, self._router)


@cache
def _function() -> Function:
    routes = Routes.read(Path(__file__).with_name("routes.json").read_text(encoding="utf-8"))
    registry = Registry(place_of(os.environ), SECTION)
    clients: Any = boto3  # its stubs know services by literal names only
    return Function(routes, registry, Clients(*map(clients.client, ("s3", "sns", "sqs", "kms"))))


def handle(event: dict[str, Any], _context: object) -> None:
    """What Lambda calls, with two arguments by place."""
    _function()(event)
