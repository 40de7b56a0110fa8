"""What one tenant more costs an estate of a thousand: which stacks change, and how long `up` takes.

Which stacks change is told by what the program makes of each, recorded before and after. How long
an update takes is measured on the real engine and the embedded cloud: the first tenant of a shard,
beside one more in shards of several sizes.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import count, islice
from pathlib import Path

from pulumi import AssetArchive

from onboarding.recorded import Entry, entries, platform_outputs
from onboarding.recording import run_program
from tenancy.estate import StackPlan, load_estate
from tenancy.shards import shard_of, shard_stack
from tests.estates import ENVIRONMENT, FILES, ROOT
from tests.integration.checkout import Checkout

_ENVIRONMENT, _TENANTS, _SHARDS = "prod", 1000, 256
_MEDIUM = 20
"""One tenant in so many is medium, the others are soft."""
_NEW = "newcomer"
_SIZES = (0, 1, 2, 4, 8, 16)
"""Tenants that a shard has before."""
_LIMIT = 1.2


def write(root: Path) -> None:
    """An estate of one environment of 1,000 tenants in 256 shards."""
    text = ENVIRONMENT.format(name=_ENVIRONMENT, account="4" * 12)
    _put(root / f"Pulumi.{_ENVIRONMENT}.yaml", f"{text}    shards: {_SHARDS}\n")
    for member in range(_TENANTS):
        tier = "medium" if member % _MEDIUM == 0 else "soft"
        tenant = f"team-{member:03}"
        _put(root / f"tenants/{tenant}.yaml", _tenant(tenant, tier, _ENVIRONMENT))
    _put(root / "table-templates/events.yaml", FILES["table-templates/events.yaml"])
    shutil.copy(ROOT / "__main__.py", root)


def changed(root: Path) -> str:
    """What the program makes otherwise with one tenant more, as a table."""
    write(root)
    began = time.perf_counter()
    before = load_estate(root)
    reading = time.perf_counter() - began
    file = root / f"tenants/{_NEW}.yaml"
    _put(file, _tenant(_NEW, "soft", _ENVIRONMENT))
    after = load_estate(root)
    # The program has its plan and nothing else: of an equal one it makes the same.
    suspects = [plan for plan in after.stacks if plan != before.stack(plan.name)]
    now = {plan.name: _recorded(root, plan) for plan in suspects}
    file.unlink()
    was = {plan.name: _recorded(root, before.stack(plan.name)) for plan in suspects}
    lines = [
        f"{_TENANTS} tenants, {len(after.stacks)} stacks, read in {reading:.1f} s.",
        "One soft tenant more changes these stacks:",
        "",
        "| stack | new | changed in place | as before |",
        "| --- | --: | --- | --: |",
    ]
    for name, found in now.items():
        new = found.keys() - was[name].keys()
        other = sorted(urn for urn in found.keys() - new if found[urn] != was[name][urn])
        listed = ", ".join(urn.rpartition("::")[2] for urn in other) or "none"
        if new or other:
            same = len(found) - len(new) - len(other)
            lines.append(f"| {name} | {len(new)} | {listed} | {same} |")
    return "\n".join(lines)


def _recorded(root: Path, plan: StackPlan) -> Mapping[str, Entry]:
    """URN -> what the program makes of it, of a stack of the estate that is at ``root`` now."""
    name = plan.environment.name
    outputs = {name: platform_outputs(name, root)} if plan.shard else {}
    recorded = run_program(plan.name, root, outputs=outputs)
    found = {entry["urn"]: entry["inputs"] for entry in entries(recorded, plan.name)}
    for urn, one in recorded.items():
        if isinstance(code := one.inputs.get("code"), AssetArchive):
            found[urn]["code"] = [(name, vars(asset)) for name, asset in code.assets.items()]
    return found


def measured(root: Path) -> str:
    """How long the real engine takes for one tenant more, as a table."""
    checkout = Checkout.make(root)
    checkout.shrink(dict.fromkeys(_members(), "soft"))
    environment = checkout.root / "Pulumi.local.yaml"
    text = environment.read_text("utf-8")
    _put(
        environment,
        text.replace("    name: local\n", f"    name: local\n    shards: {len(_SIZES)}\n"),
    )
    try:
        checkout.up()
        new = {shard: next(_named("new", shard)) for shard in range(1, len(_SIZES) + 1)}
        for tenant in new.values():
            _put(checkout.root / f"tenants/{tenant}.yaml", _tenant(tenant, "soft", "local"))
        seconds = {
            size: _updated(checkout, shard_stack("local", shard))
            for shard, size in enumerate(_SIZES, start=1)
        }
        resources = {
            size: len(checkout.resources(shard_stack("local", shard)))
            for shard, size in enumerate(_SIZES, start=1)
        }
        last = len(_SIZES)
        *_, another = islice(_named("new", last), 2)
        _put(checkout.root / f"tenants/{another}.yaml", _tenant(another, "soft", "local"))
        stack = shard_stack("local", last)
        of_tenant = f"urn:pulumi:{stack}::tenancy::**::{another}**"
        targeted = _updated(checkout, stack, "--target", of_tenant)
    finally:
        checkout.run("down", "--clear")
    first = seconds[0]
    lines = [
        "One soft tenant more, with one table, by `pulumi up --skip-preview` of its shard:",
        "",
        "| tenants before | resources after | seconds | times that of a stack with one tenant |",
        "| --: | --: | --: | --: |",
        *(
            f"| {size} | {resources[size]} | {seconds[size]:.1f} | {seconds[size] / first:.2f} |"
            for size in _SIZES
        ),
        "",
    ]
    within = [size for size in _SIZES if seconds[size] <= _LIMIT * first]
    lines.append(
        f"Within {_LIMIT} times up to {max(within)} tenants before; with `--target` of what is new"
        f" {targeted / first:.2f} times beside {_SIZES[-1] + 1} tenants."
    )
    return "\n".join(lines)


def _members() -> list[str]:
    found = []
    for shard, size in enumerate(_SIZES, start=1):
        names = _named("old", shard)
        found += [next(names) for _ in range(size)]
    return found


def _named(word: str, shard: int) -> Iterator[str]:
    """Ids of tenants that live in the shard."""
    ids = (f"{word}-{number:04}" for number in count())
    return (tenant for tenant in ids if shard_of(tenant, len(_SIZES)) == shard)


def _updated(checkout: Checkout, stack: str, *options: str) -> float:
    """Update a stack; seconds."""
    began = time.perf_counter()
    done = checkout.pulumi("up", "--yes", "--skip-preview", "--stack", stack, *options)
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-3000:] + done.stderr)
    return time.perf_counter() - began


def _tenant(tenant: str, tier: str, environment: str) -> str:
    return (
        f"tenant: {tenant}\ncontact: ops@{tenant}.example\nisolation: {tier}\n"
        f"environment: {environment}\n"
    )


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> int:
    """Print both tables."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    load = f"load {os.getloadavg()[0]:.1f} when it began"
    with tempfile.TemporaryDirectory() as folder:
        told = changed(Path(folder) / "estate")
    print(f"{machine}, {load}\n\n{told}\n")  # noqa: T201 - a table is what is asked for
    with tempfile.TemporaryDirectory() as folder:
        print(measured(Path(folder) / "project"))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
