"""What `tenancy plan` finds, as data: what would change, what it costs, what speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import IntEnum

from isolation.verdict import Verdict
from tenancy.quotas import Forecast, Usage


class Code(IntEnum):
    """Why a plan is refused, as the exit code of the command; the first that applies is given.

    0, 1, 2 and 130 mean what they mean everywhere: done, failed, bad input, interrupted.
    """

    CROSS_TENANT = 3
    COLLISION = 4
    QUOTA = 5
    DATA_LOSS = 6
    POLICY = 7
    UNPROVEN = 8

    @property
    def label(self) -> str:
        """The word for people and machines."""
        return _LABELS[self]


_LABELS = {
    Code.CROSS_TENANT: "cross-tenant grant",
    Code.COLLISION: "name collision",
    Code.QUOTA: "quota overrun",
    Code.DATA_LOSS: "data loss",
    Code.POLICY: "policy violation",
    Code.UNPROVEN: "not proven",
}


@dataclass(frozen=True)
class Refusal:
    """One thing for which nothing may be deployed: where it is, what is wrong, what to do."""

    code: Code
    where: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.code.label}: {self.where}: {self.rule}\n  remedy: {self.remedy}"

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {**asdict(self), "code": int(self.code), "kind": self.code.label}


@dataclass(frozen=True)
class Change:
    """One resource that an update would create, update, replace or delete.

    Attributes:
        tenant: whose it is; empty for the platform's.
        op: `create`, `update`, `replace` or `delete`.
        properties: those that differ, sorted; none where the whole resource comes or goes.
    """

    tenant: str
    op: str
    type: str
    name: str
    urn: str
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackChanges:
    """What an update of one stack would do.

    Attributes:
        new: whether the stack was never deployed.
        unchanged: how many resources stay as they are.
    """

    stack: str
    new: bool
    unchanged: int
    changes: tuple[Change, ...]

    def counts(self, tenant: str | None = None) -> Mapping[str, int]:
        """Operation -> how many, of all or of one owner (the platform's is empty)."""
        return Counter(c.op for c in self.changes if tenant is None or c.tenant == tenant)


@dataclass(frozen=True)
class PolicyFault:
    """What a rule of the policy pack found: where, what, and what to do about it."""

    stack: str
    rule: str
    urn: str
    message: str
    remedy: str


@dataclass(frozen=True)
class CostChange:
    """What one owner costs a month by being there, now and after the update.

    Attributes:
        owner: a tenant, or `platform`.
    """

    owner: str
    today: Decimal
    planned: Decimal


@dataclass(frozen=True)
class Plan:
    """All that is known before an update. Nothing may be deployed while there are refusals.

    Attributes:
        refusals: the gravest first.
        verdict: the proof's, on the state that the update would make; None where the files are
            refused before there is such a state.
        currency: of the costs; empty where no prices are known, and there are none.
        usages: what each account and region would hold, against its quotas, the fullest first.
        forecasts: how many further tenants of each tier fit.
        tenant: the only one whose changes are asked for; empty for all.
        notes: what a reader should know besides, a line each.
    """

    refusals: tuple[Refusal, ...] = ()
    stacks: tuple[StackChanges, ...] = ()
    verdict: Verdict | None = None
    policies: tuple[PolicyFault, ...] = ()
    costs: tuple[CostChange, ...] = ()
    currency: str = ""
    usages: tuple[Usage, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    tenant: str = ""
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or the code of the gravest refusal."""
        return min((int(refusal.code) for refusal in self.refusals), default=0)

    @property
    def changed(self) -> int:
        """How many things in the cloud would change."""
        return sum(len(stack.changes) for stack in self.stacks)

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "stacks": [{**asdict(s), "counts": dict(s.counts())} for s in self.stacks],
            "verdict": self.verdict.to_json() if self.verdict else None,
            "policies": [asdict(fault) for fault in self.policies],
            "costs": {
                "currency": self.currency,
                "owners": [
                    {"owner": c.owner, "today": str(c.today), "planned": str(c.planned)}
                    for c in self.costs
                ],
                "today": str(sum(c.today for c in self.costs)),
                "planned": str(sum(c.planned for c in self.costs)),
            },
            "quotas": [usage.to_json() for usage in self.usages],
            "forecasts": [asdict(forecast) for forecast in self.forecasts],
            "refusals": [refusal.to_json() for refusal in self.refusals],
            "notes": list(self.notes),
            "exit_code": self.exit_code,
        }
