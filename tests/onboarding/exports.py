"""States in the shape that `pulumi stack export` prints, recorded from version 3.255.0."""

from __future__ import annotations

from typing import Any

from onboarding.state import StackState

STACK = "urn:pulumi:local::tenancy::pulumi:pulumi:Stack::tenancy-local"


def resource(types: str, name: str, parent: str = STACK, **more: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:local::tenancy::{types}::{name}",
        "custom": not types.rpartition("$")[2].startswith("tenancy:"),
        "type": types.rpartition("$")[2],
        "parent": parent,
        "created": "2026-03-01T10:00:00Z",
        **more,
    }


def export(*resources: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "version": 3,
        "deployment": {
            "manifest": {"time": "2026-03-01T10:00:00.5Z", "magic": "", "version": "v3.255.0"},
            "secrets_providers": {"type": "passphrase", "state": {"salt": "v1:..."}},
            "resources": [
                {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"},
                *resources,
            ],
            **({"pending_operations": list(pending)} if pending else {}),
            "metadata": {},
        },
    }


def creating(entry: dict[str, Any]) -> dict[str, Any]:
    return {"resource": entry, "type": "creating"}


def state(*resources: dict[str, Any], pending: tuple[dict[str, Any], ...] = ()) -> StackState:
    return StackState.of(export(*resources, pending=pending))
