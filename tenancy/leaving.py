"""How a tenant leaves: the states that its file tells, and what its roles may then do."""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from tenancy.grants import Statement

SUSPENDED = (Statement("DenySuspended", "Deny", ("*",), ("*",)),)
"""The boundary of every role of a tenant that is leaving."""


class Leaving(StrEnum):
    """How far a tenant has left; ``tenancy offboard`` writes it. Each includes those before it."""

    SUSPENDED = "suspended"
    """Nobody acts for it any more; its data is there."""
    EXPORTED = "exported"
    """What it has is written down, object by object."""
    DESTROYED = "destroyed"
    """Its data is gone, and the program makes nothing for it."""


def _reason(given: object) -> object:
    if isinstance(given, bool):
        return "a legal hold" if given else None
    return given


LegalHold = Annotated[
    Annotated[str, Field(min_length=1, max_length=500)] | None,
    BeforeValidator(_reason),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "string", "minLength": 1, "maxLength": 500}]}
    ),
]
"""Why data must be kept; ``true`` stands for a reason that is not told, ``false`` for none."""
