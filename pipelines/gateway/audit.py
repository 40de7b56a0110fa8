"""One line for each request: who was verified to ask for what, and what became of it."""

from __future__ import annotations

import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus

from pipelines.gateway.calls import Call, Operation
from pipelines.gateway.tokens import Caller, Claims

LOG = logging.getLogger("pipelines.gateway.audit")

DISCONNECTED = 499
"""Stands for a status where the client went away before there was one."""


class Outcome(StrEnum):
    """Refused by the gateway or by Nessie's rules; failed: the catalog's or the gateway's fault."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass
class Record:
    """What is known of a request so far; nothing in it is the caller's word but checked names."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: float = field(default_factory=time.monotonic)
    claims: Claims | None = None
    caller: Caller | None = None
    operation: Operation | None = None
    call: Call | None = None
    status: int = HTTPStatus.INTERNAL_SERVER_ERROR
    reason: str = ""
    names: list[str] = field(default_factory=list)
    received: int = 0  # bytes of the body

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        if self.status >= DISCONNECTED:
            return Outcome.FAILED
        refused = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        return Outcome.REFUSED if self.reason or self.status in refused else Outcome.ALLOWED

    def write(self, method: str) -> None:
        """Write the line, as JSON."""
        caller, call = self.caller, self.call
        line = {
            "event": "catalog-request",
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": self.id,
            "tenant": caller.tenant.id if caller else None,
            "identity": self.claims.subject if self.claims else None,
            "roles": sorted(caller.roles) if caller else [],
            "method": method[:16],
            "operation": self.operation.name if self.operation else None,
            "path": self.operation.template if self.operation else None,
            "branch": call.reference if call else None,
            "names": self.names,
            "status": int(self.status),
            "outcome": self.outcome,
            "reason": self.reason,
            "milliseconds": round((time.monotonic() - self.started) * 1000, 1),
            "received": self.received,
        }
        LOG.info(json.dumps(line))
