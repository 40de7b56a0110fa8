"""Whose a resource of a state is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from onboarding.state import TENANT_TYPE
from tenancy.estate import StackPlan
from tenancy.names import PLATFORM
from tenancy.organization import OrganizationPlan

Entry = Mapping[str, Any]
"""A resource as an exported state has it."""


def name_of(urn: str) -> str:
    """The name that the program gave it."""
    return urn.split("::", 3)[3]


def owners(entries: Iterable[Entry], plan: StackPlan | OrganizationPlan | None) -> dict[str, str]:
    """URN -> whose it is: by its tag, by the tenant's component that it is in, or the stack's."""
    by_urn = {entry["urn"]: entry for entry in entries}
    found: dict[str, str] = {}

    def owner(urn: str) -> str:
        entry = by_urn.get(urn)
        if entry is None:
            return plan.owner if plan else PLATFORM
        if urn not in found:  # a recording names the children before their parent
            found[urn] = _own(entry) or owner(entry.get("parent") or "")
        return found[urn]

    return {urn: owner(urn) for urn in by_urn}


def _own(entry: Entry) -> str:
    """The owner that a resource names itself; empty where it names none."""
    if entry["type"] == TENANT_TYPE:
        return name_of(entry["urn"])
    sides = (entry.get("inputs") or {}, entry.get("outputs") or {})
    tagged = (side["tags"] for side in sides if isinstance(side.get("tags"), Mapping))
    return next((str(given["tenant"]) for given in tagged if "tenant" in given), "")
