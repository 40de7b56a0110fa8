"""Whom a run acts for: the one tenant that its token says, which is its task's own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping

import httpx

from pipelines.audit import audited
from pipelines.catalog import Lakehouse, TenantCatalog
from tenancy.dagster import CLIENT_ID, CLIENT_SECRET, LAKEHOUSE, TOKEN_URL

RENEWED_BEFORE = 600.0
"""Seconds before a token ends in which it is asked for anew: what a step begins, it can end."""

_PATIENCE = 10.0  # seconds for the identity provider's answer


class CannotActError(Exception):
    """The run's task does not say, or cannot show, for whom it acts."""


class ForeignPartitionError(PermissionError):
    """A run of one tenant was asked to work on another's partition."""


class Acting:
    """Gives a run its tenant's catalog; ``environ`` is its task's environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._found: TenantCatalog | None = None

    def catalog(self, partition: str) -> TenantCatalog:
        """The catalog of the tenant whose partition this is, for some minutes at least: a run may
        take longer than a token holds.

        Raises:
            ForeignPartitionError: the run acts for another; that is in the audit log.
            CannotActError: there is no token to be had.
            pipelines.gateway.refusal.Refused: the token does not hold, or names no tenant.
        """
        found = self._found
        if found is None or found.ends < time.time() + RENEWED_BEFORE:
            found = self._found = self._opened()
        if found.tenant != partition:
            with audited(found, "open", partition):
                raise ForeignPartitionError(
                    f"this run acts for {found.tenant}, and the partition is {partition}"
                )
        return found

    def _opened(self) -> TenantCatalog:
        try:
            lakehouse = Lakehouse.of(json.loads(self._environ[LAKEHOUSE]))
        except KeyError as missing:
            raise CannotActError(
                f"the task of this run has no {missing}; runs are started by the daemon, each as"
                " its tenant's task"
            ) from missing
        return lakehouse.catalog_for(self._token())

    def _token(self) -> str:
        """By client credentials (RFC 6749, 4.4)."""
        try:
            answer = httpx.post(
                self._environ[TOKEN_URL],
                data={
                    "grant_type": "client_credentials",
                    "client_id": self._environ[CLIENT_ID],
                    "client_secret": self._environ[CLIENT_SECRET],
                },
                timeout=_PATIENCE,
                trust_env=False,
            )
            return str(answer.raise_for_status().json()["access_token"])
        except (KeyError, ValueError, httpx.HTTPError) as error:
            # No word of the answer: it may hold what was asked.
            raise CannotActError(f"no token can be had: {type(error).__name__}") from error


acting = Acting(os.environ)
"""Of this process. Nothing is asked until a run asks."""
