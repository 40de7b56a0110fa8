"""Whom a run acts for: the one tenant that its token says, which is its task's own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import httpx

from pipelines.audit import audited
from pipelines.catalog import Lakehouse, TenantCatalog
from tenancy.dagster import CLIENT_ID, CLIENT_SECRET, LAKEHOUSE, TOKEN_URL

_PATIENCE = 10.0  # seconds for the identity provider's answer


class CannotActError(Exception):
    """The run's task does not say, or cannot show, for whom it acts."""


class ForeignPartitionError(PermissionError):
    """A run of one tenant was asked to work on another's partition."""


@dataclass(frozen=True)
class Acting:
    """Gives a run its tenant's catalog; ``environ`` is its task's environment."""

    environ: Mapping[str, str]

    def catalog(self, partition: str) -> TenantCatalog:
        """The catalog of the tenant whose partition this is.

        Raises:
            ForeignPartitionError: the run acts for another; that is in the audit log.
            CannotActError: there is no token to be had.
            pipelines.gateway.refusal.Refused: the token does not hold, or names no tenant.
        """
        found = self._catalog
        if found.tenant != partition:
            with audited(found, "open", partition):
                raise ForeignPartitionError(
                    f"this run acts for {found.tenant}, and the partition is {partition}"
                )
        return found

    @cached_property
    def _catalog(self) -> TenantCatalog:
        try:
            lakehouse = Lakehouse.of(json.loads(self.environ[LAKEHOUSE]))
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
                self.environ[TOKEN_URL],
                data={
                    "grant_type": "client_credentials",
                    "client_id": self.environ[CLIENT_ID],
                    "client_secret": self.environ[CLIENT_SECRET],
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
