"""How long `tenancy check` takes for a hundred tenants, beside `pulumi preview` of the same.

Both read the same copy of the project, one after the other, so that a busy machine slows both.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.integration.checkout import Checkout

_TENANTS = 100
_TIERS = ("soft",) * 14 + ("medium",) * 5 + ("hard",)
"""Of twenty tenants fourteen are soft, five medium and one hard."""
_PLATFORM, _STACK = "123456789012", "local"
_WHOLE, _CHANGED = 20, 3
"""Seconds that a check may take on two cores: of all, and with one changed tenant."""


@dataclass(frozen=True)
class Timed:
    """One run of a command: seconds by the clock, and of the processors (0: not known)."""

    what: str
    wall: float
    busy: float = 0


def write(checkout: Checkout, tenants: int) -> None:
    """Give the copy of the project that many tenants, and the embedded environment only."""
    for name in ("Pulumi.dev.yaml", "Pulumi.prod.yaml", "Pulumi.local-federal-dhs.yaml"):
        (checkout.root / name).unlink(missing_ok=True)
    folder = checkout.root / "tenants"
    for file in folder.glob("*.yaml"):
        file.unlink()
    for number in range(tenants):
        tenant = _tenant(number)
        tier = _TIERS[number % len(_TIERS)]
        text = f"tenant: {tenant}\ncontact: ops@{tenant}.example\nisolation: {tier}\n"
        if tier == "hard":
            text += f'account_id: "{300_000_000_000 + number}"\nregion: us-east-1\n'
        text += (
            "access:\n  reader:\n"
            f"    - {{aws: 'arn:aws:iam::{_PLATFORM}:role/staff-of-{tenant}'}}\n"
        )
        (folder / f"{tenant}.yaml").write_text(text, encoding="utf-8")


def _tenant(number: int) -> str:
    return f"tenant-{number:03}"


def timed(checkout: Checkout, what: str, command: list[str], codes: tuple[int, ...]) -> Timed:
    """Run a command in the copy; raises ``RuntimeError`` if it ends otherwise than it should."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        cwd=checkout.root,
        env=checkout.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in codes:
        raise RuntimeError(f"{what}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr}")
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Timed(what, wall, busy)


def checks(checkout: Checkout) -> list[Timed]:
    """A first check, one with nothing changed, and one with one tenant's file changed."""
    check = [*checkout.command, "check"]
    found = [
        timed(checkout, f"check, {_TENANTS} tenants, first", check, (0,)),
        timed(checkout, "check, nothing changed", check, (0,)),
    ]
    name = f"tenants/{_tenant(7)}.yaml"
    with checkout.edited(name, checkout.read(name).replace("staff-of", "people-of")):
        found.append(timed(checkout, "check, one tenant changed", check, (0,)))
    return found


def preview(checkout: Checkout) -> Timed:
    """`pulumi preview` of the platform's stack: all tenants but the hard ones."""
    checkout.start_cloud(_PLATFORM)
    checkout.pulumi("stack", "init", _STACK, "--no-select")
    began = time.perf_counter()
    done = checkout.pulumi("preview", "--stack", _STACK)
    wall = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-3000:] + done.stderr)
    return Timed("pulumi preview of the same, without the hard tenants", wall)


def main() -> int:
    """Print the table. Returns 1 if a check took longer than it may."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.make(Path(folder) / "project")
        write(checkout, _TENANTS)
        found = checks(checkout)
        try:
            beside = preview(checkout)
        finally:
            checkout.run("down", "--clear")
    first, changed = found[0].wall, found[-1].wall
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        f"{machine}, load {load:.1f} when it began",
        "",
        "| | by the clock, s | processors, s |",
        "| --- | --: | --: |",
        *(f"| {one.what} | {one.wall:.1f} | {one.busy:.1f} |" for one in found),
        f"| {beside.what} | {beside.wall:.1f} | |",
        "",
        f"A first check takes {first / beside.wall:.2f} times as long as the preview,",
        f"one with one tenant changed {changed / beside.wall:.2f} times.",
    ]
    print("\n".join(lines))  # noqa: T201 - a table is what is asked for
    return 0 if first < _WHOLE and changed < _CHANGED else 1


if __name__ == "__main__":
    sys.exit(main())
