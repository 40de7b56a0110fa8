"""What of a stack's state is a tenant's, and the lifting of what protects it.

Only `tenancy offboard` does this: everything else in the project keeps what holds data.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from onboarding.state import TENANT_TYPE, split_urn

_AUDIT_BUCKET = "-audit-bucket"
_FENCED = "tenancy:aws:FencedBucket"

State = dict[str, Any]


def lifted(exported: Mapping[str, Any], tenant: str, *, whole: bool) -> State:
    """The state with nothing of the tenant protected or kept.

    ``whole``: the stack is the tenant's alone. Of that, the audit bucket with all that is set on it
    stays in the cloud when it leaves the state.
    """
    state = copy.deepcopy(dict(exported))
    entries: list[dict[str, Any]] = state["deployment"].get("resources") or []
    ours = {entry["urn"] for entry in entries} if whole else inside(entries, tenant)
    audit = _below(entries, {e["urn"] for e in entries if _is_audit_bucket(e["urn"])})
    for entry in entries:
        if entry["urn"] in ours:
            entry["protect"] = False
            entry["retainOnDelete"] = entry["urn"] in audit
    return state


def inside(entries: list[dict[str, Any]], tenant: str) -> set[str]:
    """The URNs of the tenant's component and of all that is below it."""
    of_tenant = {e["urn"] for e in entries if split_urn(e["urn"]) == (TENANT_TYPE, tenant)}
    return _below(entries, of_tenant)


def _below(entries: list[dict[str, Any]], roots: set[str]) -> set[str]:
    found = set(roots)
    for entry in entries:  # a parent comes before its children
        if entry.get("parent") in found:
            found.add(entry["urn"])
    return found


def _is_audit_bucket(urn: str) -> bool:
    kind, name = split_urn(urn)
    return kind == _FENCED and name.endswith(_AUDIT_BUCKET)
