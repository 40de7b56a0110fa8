"""What the program makes for every stack of an estate, recorded by several processes.

What is recorded is kept under `.local/check`, and used again where nothing that it depends on has
changed: a whole stack by its plan, a tenant of it by the fingerprint of what the program gives to
make it, both together with all code. Deleting the folder only costs time.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localcloud.paths import PROJECT_ROOT
from onboarding.progress import Reporter
from tenancy.estate import Estate, StackPlan
from tenancy.organization import OrganizationPlan

Entry = dict[str, Any]
Answers = list[Future[list[dict[str, Any]]]]
Plan = StackPlan | OrganizationPlan
_READ = ("tenants", "table-templates", "receipts", "tests", "docs", "node_modules", "__pycache__")
"""Folders that no code is in: what the first two say is in the plans."""
_KEPT = 7 * 24 * 3600
"""Seconds that a part which nothing uses any more is kept."""
_HARD_WEIGHT, _PLATFORM_WEIGHT = 4, 3
"""What a hard tenant's stack, and a platform, take beside a soft or medium tenant: resources."""
_FEW = 8
"""Tenants that are sooner recorded by one process than shared out."""
_RECORDER = "import gc; gc.disable(); from onboarding import recorder; recorder.main()"
"""Its imports make a million objects, and no garbage: looking for some takes a quarter as long."""


@dataclass(frozen=True)
class Failure:
    """The program failed for a stack, at ``source`` (``file:line``; empty: not known)."""

    stack: str
    reason: str
    source: str


@dataclass
class Recordings:
    """Stack -> tenant ("" for what is no tenant's) -> state entries.

    ``failures`` by stack: of such a one there are no parts. ``recorded`` are the tenants of stacks
    that had to be recorded.
    """

    parts: dict[str, dict[str, list[Entry]]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    recorded: set[tuple[str, str]] = field(default_factory=set)

    def entries(self, plan: Plan) -> list[Entry]:
        """All that the program makes of a stack, providers first: they say the account."""
        parts = self.parts[plan.name]
        return [entry for tenant in ("", *plan.tenant_ids) for entry in parts.get(tenant, ())]


class Recorder:
    """Records the stacks of the project at ``root``. A context: what it starts, it ends.

    With ``ahead`` the first process starts at once: it imports the providers, which takes as long
    as all else. Without, none starts where all that is asked for is kept.
    """

    def __init__(
        self, root: Path, report: Reporter, *, fresh: bool = False, ahead: bool = True
    ) -> None:
        self._root, self._report = root, report
        self._folder = root / ".local" / "check"
        self._fresh = fresh
        self._processes = [_Process(root)] if ahead else []
        self._code = _code(root)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.end()

    def interrupt(self) -> None:
        """Make a `record` that another thread is in end soon."""
        for process in self._processes:
            process.kill()

    def keys(self, plans: Iterable[Plan]) -> dict[str, str]:
        """Stack -> a digest of all that its recording depends on: the code and its input."""
        return {plan.name: _key(self._code, plan) for plan in plans}

    def record(self, estate: Estate) -> Recordings:
        """Every stack's resources, as far as they can be recorded."""
        found = Recordings()
        stale: dict[str, tuple[Plan, _Kept]] = {}
        current: dict[str, _Kept] = {}
        keys = self.keys(estate.plans)
        for plan in estate.plans:
            kept = _Kept() if self._fresh else self._kept(plan.name)
            if kept.key == keys[plan.name] and set(kept.texts) == {"", *plan.tenant_ids}:
                current[plan.name] = kept
            else:
                stale[plan.name] = plan, kept
        with self._asked(stale) as answers:
            # While the processes work, what is kept is read.
            for name, kept in current.items():
                found.parts[name] = dict(kept.parts)
            for _, kept in stale.values():
                _ = kept.parts
            fingerprints = self._hear(stale, found, answers)
        for name, (_, kept) in stale.items():
            if name in found.failures:
                found.parts.pop(name, None)
            else:
                self._keep(name, kept, keys[name], found.parts[name], fingerprints[name])
        self._forget()
        return found

    @staticmethod
    def _hear(
        stale: Mapping[str, tuple[Plan, _Kept]], found: Recordings, answers: Answers
    ) -> Mapping[str, dict[str, str | None]]:
        """Add to what was found what the processes tell; the fingerprints of the tenants."""
        fingerprints: dict[str, dict[str, str | None]] = defaultdict(dict)
        for line in chain.from_iterable(answered.result() for answered in answers):
            stack = line["stack"]
            if "error" in line:
                found.failures[stack] = Failure(stack, line["error"], line["source"])
                continue
            tenant, given = line["tenant"], line["entries"]
            parts = found.parts.setdefault(stack, {})
            if given is None:
                given = stale[stack][1].parts[tenant]
            elif tenant:
                found.recorded.add((stack, tenant))
            elif parts.get("", given) != given:
                reason = "it makes something else each time that it runs"
                found.failures[stack] = Failure(stack, reason, "")
            fingerprints[stack][tenant] = line["fingerprint"]
            parts[tenant] = given
        return fingerprints

    @contextmanager
    def _asked(self, stale: Mapping[str, tuple[Plan, _Kept]]) -> Iterator[Answers]:
        """The processes at work on stale stacks."""
        orders = _shared_out(stale, os.cpu_count() or 1)
        while len(self._processes) < len(orders):
            self._processes.append(_Process(self._root))
        if orders:
            self._report.say(f"recording {len(stale)} stacks in {len(orders)} processes")
        with ThreadPoolExecutor(max(1, len(orders))) as pool:
            yield [
                pool.submit(process.carry_out, order)
                for process, order in zip(self._processes, orders, strict=False)
            ]

    # --- what is kept

    def _kept(self, stack: str) -> _Kept:
        try:
            told = json.loads((self._folder / f"{stack}.json").read_text("utf-8"))
            if told["code"] != self._code:
                return _Kept()
            texts = {tenant: self._part(name) for tenant, name in told["parts"].items()}
            return _Kept(told["key"], texts, told["fingerprints"], told["parts"])
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return _Kept()  # none, or one that was cut short: it is recorded again

    def _part(self, name: str) -> str:
        text = (self._folder / f"{name}.part").read_text("utf-8")
        if _hash(text) != name:
            raise ValueError(name)
        return text

    def _keep(
        self,
        stack: str,
        kept: _Kept,
        key: str,
        parts: Mapping[str, list[Entry]],
        fingerprints: Mapping[str, str | None],
    ) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        names: dict[str, str] = {}
        for tenant, of_tenant in parts.items():
            if kept.parts.get(tenant) is of_tenant:
                names[tenant] = kept.names[tenant]
                (self._folder / f"{names[tenant]}.part").touch()
                continue
            text = json.dumps(of_tenant)
            names[tenant] = _hash(text)
            _write(self._folder / f"{names[tenant]}.part", text)
        told = {
            "code": self._code,
            "key": key,
            "parts": names,
            "fingerprints": {tenant: one for tenant, one in fingerprints.items() if tenant and one},
        }
        _write(self._folder / f"{stack}.json", json.dumps(told))

    def _forget(self) -> None:
        used = {
            name
            for file in self._folder.glob("*.json")
            for name in json.loads(file.read_text("utf-8")).get("parts", {}).values()
        }
        for file in self._folder.glob("*.part"):
            if file.stem not in used and file.stat().st_mtime < time.time() - _KEPT:
                file.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Kept:
    """What was recorded of a stack before."""

    key: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def parts(self) -> Mapping[str, list[Entry]]:
        """By tenant. Read when it is first needed, which takes as long as a proof."""
        return {tenant: json.loads(text) for tenant, text in self.texts.items()}


class _Process:
    """One process that records; it waits for its order."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - `end` closes it
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RECORDER],
            cwd=root,  # first on the path of imports: the project's own packages, if it has some
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is this process's to handle: it ends the other
        )

    def carry_out(self, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The lines that it answers with; for a process that breaks down, a failure's."""
        order = json.dumps({"root": str(self._root), "jobs": jobs})
        told, _ = self._process.communicate(order + "\n")
        if self._process.returncode == 0:
            return [json.loads(line) for line in told.splitlines()]
        self._errors.seek(0)
        reason = (self._errors.read().strip().splitlines() or ["it ended"])[-1]
        return [{"stack": job["stack"], "error": reason, "source": ""} for job in jobs]

    def kill(self) -> None:
        """Kill the process; whoever waits for its answer learns that it ended."""
        self._process.kill()

    def end(self) -> None:
        """End the process, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self._errors.close()


def _shared_out(
    stale: Mapping[str, tuple[Plan, _Kept]], processes: int
) -> list[list[dict[str, Any]]]:
    """The jobs of each process, about equally much work for each."""
    if not stale:
        return []
    units = [
        (_HARD_WEIGHT if plan.hard else 1, name, tenant)
        for name, (plan, _) in stale.items()
        for tenant in plan.tenant_ids or ("",)
    ]
    known = sum(len(kept.fingerprints) for _, kept in stale.values())
    if sum(weight for weight, _, _ in units) - known <= _FEW:
        processes = 1
    loads = [0] * processes
    shares: list[dict[str, list[str]]] = [{} for _ in loads]
    for weight, name, tenant in sorted(units, key=lambda unit: -unit[0]):
        costs = [
            load + weight + (0 if name in share else _PLATFORM_WEIGHT)
            for load, share in zip(loads, shares, strict=True)
        ]
        least = costs.index(min(costs))
        loads[least] = costs[least]
        shares[least].setdefault(name, []).append(tenant)
    return [
        [
            {
                "stack": name,
                "tenants": tenants,
                "known": sorted(stale[name][1].fingerprints.values()),
                "reads": stale[name][0].environment.name if stale[name][0].shard else "",
            }
            for name, tenants in share.items()
        ]
        for share in shares
        if share
    ]


def program_key(root: Path, plan: Plan) -> str:
    """A digest of all that the program makes of a stack depends on: the code and its input."""
    return _key(_code(root), plan)


def _key(code: str, plan: Plan) -> str:
    return _hash(code, plan.name, repr(plan))


def _code(root: Path) -> str:
    """All that a recording depends on besides the plans: code, packages, interpreter."""
    found = hashlib.sha256(sys.version.encode())
    packages = {file.name for path in sys.path for file in Path(path).glob("*.dist-info")}
    found.update("\n".join(sorted(packages)).encode())
    for folder in dict.fromkeys((root, PROJECT_ROOT)):
        for file in _files(folder):
            found.update(f"{file}:{file.stat().st_size}\n".encode())
            found.update(file.read_bytes())
    return found.hexdigest()


def _files(root: Path) -> Iterable[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _READ and not name.endswith(".egg-info")
        )
        for name in sorted(files):
            file = Path(folder) / name
            if file.is_file() and not (folder == str(root) and name.startswith("Pulumi.")):
                yield file


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _write(file: Path, text: str) -> None:
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.write_text(text, "utf-8")
    beside.replace(file)
