"""One line for each read and write of a table: who was verified, what was asked, how it ended."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pyiceberg.exceptions import ForbiddenError, ServerError, UnauthorizedError

from pipelines.gateway.audit import Outcome

LOG = logging.getLogger("pipelines.audit")


REFUSALS = (ForbiddenError, UnauthorizedError, PermissionError)
"""What catalog and storage say no with, in the words of `refusals`."""


class Verified(Protocol):
    """What a verified token says of its bearer."""

    @property
    def tenant(self) -> str:
        """Whom it acts for."""

    @property
    def subject(self) -> str:
        """Who it is."""

    @property
    def roles(self) -> frozenset[str]:
        """In which roles."""


@dataclass
class Entry:
    """What becomes known while the access goes on; ``rows`` counts them."""

    rows: int = 0


@contextmanager
def audited(who: Verified, action: str, table: str, **known: str) -> Iterator[Entry]:
    """Write the line when the block ends, however it ends. No value of a row is in it.

    Raises:
        ForbiddenError: catalog or storage refuse what the block asked, in whatever words.
    """
    entry, outcome, reason = Entry(), Outcome.ALLOWED, ""
    try:
        with refusals():
            yield entry
    except BaseException as error:
        refused = isinstance(error, REFUSALS)
        outcome = Outcome.REFUSED if refused else Outcome.FAILED
        reason = type(error).__name__
        raise
    finally:
        line = {
            "event": "table-access",
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "tenant": who.tenant,
            "identity": who.subject,
            "roles": sorted(who.roles),
            "action": action,
            "table": table,
            **known,
            "rows": entry.rows,
            "outcome": outcome,
            "reason": reason,
        }
        LOG.info(json.dumps(line))


def to_standard_output() -> None:
    """Let the lines come out of this process as they are, each the whole of a line."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


@contextmanager
def refusals() -> Iterator[None]:
    """Tell every refusal of catalog or storage as what it is.

    Raises:
        ForbiddenError: in the place of other words for it.
    """
    try:
        yield
    except Exception as error:
        if _is_refusal(error):
            raise ForbiddenError("catalog or storage refuse it") from error
        raise


def _is_refusal(error: BaseException) -> bool:
    """Whether it is a no in other words: Nessie 0.99.0 puts those of its rules into a 500, and
    pyarrow those of storage into an OSError.
    """
    said = str(error)
    by_rules = isinstance(error, ServerError) and said.startswith("AccessCheckException")
    return by_rules or (isinstance(error, OSError) and "ACCESS_DENIED" in said)
