"""Takes a tenant out: suspended, exported, destroyed. No display, no exits.

Each step is done again as often as it must be, leaves a receipt once, and the tenant's file tells
how far it is. What comes back when a run is killed is what the next run finds to do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localcloud.errors import LocalCloudError
from localcloud.paths import Layout
from onboarding import leaving_state
from onboarding.deploy import Target, deploy, mend
from onboarding.erase import Eraser, ErasureError, Holdings
from onboarding.errors import Refused
from onboarding.opened import opened
from onboarding.progress import Reporter
from onboarding.receipts import FOLDER, Receipt, Receipts, write_whole
from onboarding.scope import Scope, scope_of
from tenancy.database_names import database_name, removal
from tenancy.errors import Problem
from tenancy.estate import StackPlan, load_estate
from tenancy.leaving import Leaving
from tenancy.names import ServiceKind
from tenancy.settings import TenantSettings
from tenancy.tenant import load_tenant

SUSPENDED, EXPORTED, SCHEDULED, HELD, EMPTIED, DESTROYED = (
    "suspended",
    "exported",
    "destruction-scheduled",
    "destruction-held",
    "emptied",
    "destroyed",
)
MANIFEST = "manifest.json"
_ORDER = tuple(Leaving)
_LINE = re.compile(r"^offboarding:.*$", re.MULTILINE)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time that dates are compared with."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Offboarded:
    """How far the tenant has left.

    ``reached``: its state, None before the first. ``due``: from when on its data may be destroyed,
    where that was decided and is not done. ``receipts``: all of them, verified.
    """

    tenant: str
    environment: str
    reached: Leaving | None
    due: datetime | None
    receipts: tuple[Receipt, ...]

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "tenant": self.tenant,
            "environment": self.environment,
            "state": self.reached.value if self.reached else None,
            "due": self.due.isoformat() if self.due else None,
            "receipts": [receipt.to_json() for receipt in self.receipts],
        }


def offboard(  # noqa: PLR0913 - the last two have what nearly all want
    root: Path,
    tenant: str,
    to: Leaving,
    reporter: Reporter,
    *,
    stack: str = "",
    clock: Clock = utc_now,
) -> Offboarded:
    """Bring the tenant as far as ``to``, through all that comes before, and no further.

    Destruction is decided by one call and done by one after the date that the first one tells.
    ``stack``: any of the environment that it leaves; empty for the embedded one.

    Raises:
        InvalidInput: there is no such tenant or stack, a receipt is not sound, or (Refused) a legal
            hold stands, or the tenant is not deployed.
        LocalCloudError: the embedded cloud does not run.
        OperationFailed, Busy: see `deploy`. ErasureError: AWS erased less than it was asked to.
    """
    return _Offboarding(root, tenant, stack, reporter, clock).run(to)


def verified(root: Path, tenant: str, key: Path | None = None, *, stack: str = "") -> Offboarded:
    """How far the tenant has left, by its receipts, once they and the manifest are verified.

    ``key``: the public key's file that they must be signed with; None: the one beside them.
    ``stack``: any of the environment; empty for the embedded one.

    Raises:
        InvalidInput: there are none, or one or the manifest is not sound.
    """
    environment = scope_of(load_estate(root), stack).stacks[0].environment.name
    kept = Receipts(root, environment, tenant)
    receipts = kept.read(key)
    where = f"{FOLDER}/{environment}/{tenant}"
    if not receipts:
        told = f"there is no receipt of tenant {tenant} in environment {environment}"
        raise Refused(Problem(where, "", told, "restore the folder, if there was one"))
    for receipt in receipts:
        if receipt.step == EXPORTED:
            manifest = kept.folder / receipt.facts["manifest"]
            content = manifest.read_bytes() if manifest.is_file() else b""
            if hashlib.sha256(content).hexdigest() != receipt.facts["sha256"]:
                rule = "it is not the manifest that the receipt was given for"
                raise Refused(Problem(f"{where}/{manifest.name}", "", rule, "restore it"))
    return Offboarded(tenant, environment, _reached(receipts), _due(receipts), receipts)


class _Offboarding:
    def __init__(
        self, root: Path, tenant: str, stack: str, reporter: Reporter, clock: Clock
    ) -> None:
        self._root, self._tenant, self._reporter, self._clock = root, tenant, reporter, clock
        self._stack = stack
        self._file = root / "tenants" / f"{tenant}.yaml"
        if not self._file.is_file():
            raise Refused(
                Problem(f"tenants/{tenant}.yaml", "", "there is no such tenant", "name one")
            )
        self._environment = self._scope().stacks[0].environment
        self._receipts = Receipts(root, self._environment.name, tenant)

    def _scope(self) -> Scope:
        """All stacks of the environment, as the files are now."""
        return scope_of(load_estate(self._root), self._stack)

    def run(self, to: Leaving) -> Offboarded:
        self._receipts.read()  # nothing is built on what is not sound
        if self._receipts.of(DESTROYED) is None:
            with opened(self._root, self._scope(), self._reporter) as found:
                target = found.running_cloud()
                if self._environment.embedded and target.cloud is None:
                    # None is started: an empty one would prove nothing.
                    raise LocalCloudError(
                        "the embedded cloud does not run", "run `make up`, then this"
                    )
                self._go(to, target)
        return verified(self._root, self._tenant, stack=self._stack)

    def _go(self, to: Leaving, target: Target) -> None:
        if self._receipts.of(EMPTIED) is None:
            self._suspend(target)
            if to is not Leaving.SUSPENDED:
                self._export()
            if to is not Leaving.DESTROYED:
                return
            self._refuse_held()
            if not self._destroy_when_due():
                return
        self._remove(target)

    # --- the steps

    def _suspend(self, target: Target) -> None:
        if self._receipts.of(SUSPENDED) is not None:
            return
        plan, settings = self._planned()
        state = target.engine.export(plan.name)
        if state is None or (target.deployments and not target.holds(plan.name)):
            where = "the embedded cloud" if self._environment.embedded else plan.name
            raise Refused(
                Problem(
                    f"stack {plan.name}",
                    "",
                    f"{where} does not hold tenant {self._tenant} as it is deployed",
                    f"run `tenancy up --stack {plan.name}`, then this again",
                )
            )
        self._tell(Leaving.SUSPENDED)
        # What tenants share hears of a suspension too, and is in the platform's stack.
        for stack in (plan.environment.name, plan.name) if plan.shard else (plan.name,):
            mend(target, stack, self._reporter)
            deploy(target, stack, self._reporter)
        holdings = Holdings.of(settings, plan.name, plan.assumed_roles)
        denied = Eraser(holdings).denied()
        if missing := sorted(set(holdings.boundaries) - set(denied)):
            raise ErasureError(f"{missing[0]} does not deny everything after the update")
        facts = {"holdings": holdings.to_json(), "denied": denied}
        self._sign(SUSPENDED, facts)

    def _export(self) -> None:
        if self._receipts.of(EXPORTED) is None:
            eraser = Eraser(self._holdings())
            self._reporter.say(f"{self._tenant}: reading all objects for the manifest")
            objects, tables = list(eraser.objects()), list(eraser.tables())
            manifest = {
                "tenant": self._tenant,
                "environment": self._environment.name,
                "at": self._clock().isoformat(),
                "objects": objects,
                "tables": tables,
            }
            text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
            write_whole(self._receipts.folder / MANIFEST, text)
            facts = {
                "manifest": MANIFEST,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "objects": len(objects),
                "bytes": sum(int(str(one["size"])) for one in objects),
                "tables": len(tables),
            }
            self._sign(EXPORTED, facts)
        self._tell(Leaving.EXPORTED)

    def _refuse_held(self) -> None:
        hold = load_tenant(self._file).legal_hold
        if hold is None:
            return
        taken_back = ""
        if _due(self._receipts.read()) is not None:
            scheduled = self._receipts.of(SCHEDULED)
            facts = {"reason": hold}
            if scheduled is not None and "key_deletion" in scheduled.facts:
                facts["key_kept"] = str(scheduled.facts["key"])
                Eraser(self._holdings()).keep_key(facts["key_kept"])
            self._sign(HELD, facts)
            taken_back = "; the destruction that was scheduled is taken back"
        raise Refused(
            Problem(
                f"tenants/{self._tenant}.yaml",
                "legal_hold",
                f"a legal hold stands ({hold}): nothing of the tenant is destroyed{taken_back}",
                "end the hold with whoever ordered it, then remove the line",
            )
        )

    def _destroy_when_due(self) -> bool:
        """Whether the data is gone by now; else its destruction is decided and waits."""
        holdings = self._holdings()
        due = _due(self._receipts.read())
        if due is None:
            due = self._schedule(holdings)
        if self._clock() < due:
            self._reporter.say(f"{self._tenant}: its data may be destroyed from {due} on")
            return False
        self._reporter.say(f"{self._tenant}: erasing every version of every object")
        count = Eraser(holdings).empty()
        facts: dict[str, object] = {"bucket": holdings.bucket, "versions": count}
        if not holdings.own:
            facts["prefix"] = holdings.prefix
        self._sign(EMPTIED, facts)
        return True

    def _schedule(self, holdings: Holdings) -> datetime:
        due = self._clock() + timedelta(days=self._environment.destruction_days)
        facts: dict[str, object] = {}
        if holdings.own:
            key, date = Eraser(holdings).let_key_expire(self._environment.destruction_days)
            due = max(due, date)
            facts |= {"key": key, "key_deletion": date.isoformat()}
        else:
            facts |= {
                "key": holdings.key_alias,
                "key_kept": "tenants share it: their data would be lost with it. What is erased is"
                " the objects, not what could read copies of them",
            }
        self._sign(SCHEDULED, {"due": due.isoformat(), **facts})
        return due

    def _remove(self, target: Target) -> None:
        """Take the tenant's part out of the cloud, and the tenant out of the program."""
        holdings, stack = self._holdings(), self._holdings().stack
        hard = bool(holdings.assumed_roles)
        if hard:
            Eraser(holdings).unlock_database()
        self._tell(Leaving.DESTROYED)
        if target.engine.export(stack) is not None:
            mend(target, stack, self._reporter)
            exported = leaving_state.lifted(target.engine.exported(stack), self._tenant, whole=hard)
            # Deletions that were cut short: what they were of was just read back.
            exported["deployment"].pop("pending_operations", None)
            target.engine.replace(stack, exported)
            entries = exported["deployment"].get("resources") or []
            ours = leaving_state.inside(entries, self._tenant)
            if hard or ours:
                with self._reporter.operation(f"{stack}: removing", None) as shown:
                    targets = () if hard else tuple(sorted(ours))
                    target.engine.destroy(stack, targets, shown.step)
            if hard:
                target.engine.forget(stack)
        if not hard:
            mend(target, stack, self._reporter)
            deploy(target, stack, self._reporter)
        if left := Eraser(holdings).left():
            raise ErasureError(f"still there: {', '.join(left)}")
        kept: dict[str, object] = {
            "audit": holdings.audit,
            "audit_until": (self._clock() + timedelta(days=holdings.retention_days)).isoformat(),
        }
        if holdings.own_database and not hard:
            database = database_name(self._tenant, ServiceKind.NESSIE)
            kept["nessie_database"] = f"{database} and its users, in {holdings.database_instance}"
            kept["nessie_database_removal"] = list(removal(database))
        if hard:
            kept["database_snapshot"] = f"{holdings.database_instance}-final"
            kept["account"] = holdings.account
        self._sign(DESTROYED, {"kept": kept})

    # --- what they share

    def _planned(self) -> tuple[StackPlan, TenantSettings]:
        for plan in self._scope().stacks:
            for settings in plan.tenants:
                if settings.id == self._tenant:
                    return plan, settings
        raise Refused(
            Problem(
                f"tenants/{self._tenant}.yaml",
                "offboarding",
                "the file says that the tenant has left, and no receipt does",
                "restore its receipts, or remove the line",
            )
        )

    def _holdings(self) -> Holdings:
        receipt = self._receipts.of(SUSPENDED)
        assert receipt is not None  # noqa: S101 - it is the first step
        return Holdings.told(receipt.facts["holdings"])

    def _sign(self, step: str, facts: Mapping[str, Any]) -> None:
        key = Layout(self._root).home / "offboarding" / "key.pem"
        self._receipts.add(step, facts, self._clock(), key)
        self._reporter.say(f"{self._tenant}: {step}")

    def _tell(self, reached: Leaving) -> None:
        """Write the state to the tenant's file, unless it tells that or a later one."""
        tenant = load_tenant(self._file)
        if tenant.offboarding is not None and _ORDER.index(tenant.offboarding) >= _ORDER.index(
            reached
        ):
            return
        text, line = self._file.read_text(encoding="utf-8"), f"offboarding: {reached}"
        if tenant.offboarding is None:
            text = f"{text.rstrip()}\n{line}\n"
        else:
            text = _LINE.sub(line, text, count=1)
        write_whole(self._file, text)


def _reached(receipts: tuple[Receipt, ...]) -> Leaving | None:
    done = {receipt.step for receipt in receipts}
    return next((state for state in reversed(_ORDER) if state.value in done), None)


def _due(receipts: tuple[Receipt, ...]) -> datetime | None:
    """From when on the data may be destroyed, where that is decided and neither held nor done."""
    for receipt in reversed(receipts):
        if receipt.step in (HELD, EMPTIED, DESTROYED):
            return None
        if receipt.step == SCHEDULED:
            return datetime.fromisoformat(receipt.facts["due"])
    return None
