"""`tenancy status`: where each tenant stands, from states and from what commands found out last."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from onboarding.assess import monthly
from onboarding.guard import deployed_tenants
from onboarding.judge import Deployed
from onboarding.noted import DRIFT, PROOF, Noted
from onboarding.opened import opened
from onboarding.progress import Reporter
from onboarding.scope import Scope, scope_of
from tenancy import cost
from tenancy.estate import load_estate
from tenancy.names import PLATFORM


@dataclass(frozen=True)
class Row:
    """One tenant, or the platform.

    Attributes:
        tenant: id, or `platform`.
        stacks: where it is, or will be.
        deployed: whether it is in the state of one.
        updated: when the last of its stacks was written, ISO 8601; empty when never.
        differs: how many of its things were not as the state says when they were last read back;
            None where that was never done.
        cost: what it costs a month by being there, as decimal digits.
    """

    tenant: str
    tier: str
    stacks: tuple[str, ...]
    deployed: bool
    updated: str
    differs: int | None
    cost: str


@dataclass(frozen=True)
class Standing:
    """One environment.

    Attributes:
        proof: the last verdict: `proven`, `violated`, `unknown`; empty when there was none.
        proof_on: what it was about: `what was deployed`, `what was read back`.
        proof_age: in seconds.
        stale: whether a stack was written since.
        drift_age: seconds since stacks were last read back; None when never.
        currency: of costs; empty where no prices of the environment's region are known.
    """

    environment: str
    rows: tuple[Row, ...]
    proof: str
    proof_on: str
    proof_age: float | None
    stale: bool
    drift_age: float | None
    currency: str

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


def standing(root: Path, reporter: Reporter, *, stack: str = "") -> Standing:
    """Read states and notes; nothing is asked of a cloud.

    Raises:
        InvalidInput: the files cannot be used, or there is no such stack.
        LocalCloudError: no engine could be had.
    """
    scope = scope_of(load_estate(root), stack)
    with opened(root, scope, reporter, reading=True) as found:
        deployed = Deployed.read(found.target.engine, reporter)
    environment = scope.stacks[0].environment.name
    noted = Noted.of(found.layout.home, environment)
    proof, drift = noted.found(PROOF) or {}, noted.found(DRIFT) or {}
    prices = cost.prices_of(scope.stacks[0].environment.price_region)
    updated = [deployed.state(plan.name).updated for plan in scope.stacks]
    return Standing(
        environment,
        tuple(rows(scope, deployed, drift, prices)),
        proof=str(proof.get("answer", "")),
        proof_on=str(proof.get("on", "")),
        proof_age=_age(proof.get("at")),
        stale=bool(proof) and any(_seconds(one) > proof["at"] for one in updated if one),
        drift_age=_age(drift.get("at")),
        currency=prices.currency if prices else "",
    )


def rows(
    scope: Scope, deployed: Deployed, drift: Mapping[str, Any], prices: cost.Prices | None
) -> Iterator[Row]:
    """The platform and each tenant; ``drift``: the note on which stacks were read back last."""
    states = [deployed.entries(plan.name) for plan in scope.stacks]
    costs = monthly(states, prices) if prices else {}
    read = set(drift.get("stacks", ()))
    stacks: dict[str, list[str]] = defaultdict(list)
    tiers = {PLATFORM: ""}
    for plan in scope.stacks:
        if not plan.hard and not plan.shard:
            stacks[PLATFORM].append(plan.name)
        for settings in plan.tenants:
            stacks[settings.id].append(plan.name)
            tiers[settings.id] = settings.placement.tier
    there = {PLATFORM} | {
        tenant.tenant
        for plan in scope.stacks
        for tenant in deployed_tenants(plan.name, deployed.state(plan.name))
    }
    for owner, names in stacks.items():
        updated = max(deployed.state(name).updated for name in names)
        yield Row(
            owner,
            tiers[owner],
            tuple(names),
            deployed=owner in there and bool(updated),
            updated=updated,
            differs=drift["owners"].get(owner, 0) if read.issuperset(names) else None,
            cost=f"{costs.get(owner, Decimal(0)):.2f}" if prices else "",
        )


def _age(at: object) -> float | None:
    return max(time.time() - at, 0.0) if isinstance(at, (int, float)) else None


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
