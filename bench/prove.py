"""How long the proof takes, and how much memory, for 10 to 10,000 tenants: `make bench`."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.estates import Generator

_SIZES = (10, 100, 1_000, 10_000)
_COMMAND = Path(sys.executable).with_name("tenancy")


@dataclass(frozen=True)
class Row:
    """One run of the command, in a process of its own."""

    tenants: int
    megabytes: float
    answer: str
    named: bool
    classes: int
    reading: float
    preparing: float
    deciding: float
    whole: float
    memory: float


def measure(file: Path, tenants: int, bad: str) -> Row:
    """Prove one estate; ``bad`` is the tenant that must be named as the only one, if any."""
    started = time.perf_counter()
    with subprocess.Popen(
        [_COMMAND, "prove", "--json", file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        found: dict[str, Any] = json.load(process.stdout)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    whole = time.perf_counter() - started
    named = {one["tenant"] for one in found["counterexamples"]}
    return Row(
        tenants,
        file.stat().st_size / 1e6,
        found["answer"],
        named == ({bad} if bad else set()),
        found["counts"]["classes"],
        **found["seconds"],
        whole=whole,
        memory=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30,
    )


def main() -> int:
    """Print the table. Returns 1 if an answer is wrong."""
    generator, rows = Generator(), []
    print(  # noqa: T201 - a table is what is asked for
        f"{platform.machine()}, {os.cpu_count()} cores, {_memory():.0f} GiB, Python"
        f" {platform.python_version()}\n\n"
        "| tenants | state, MB | answer | classes | read, s | put together, s | decide, s |"
        " whole process, s | memory, GiB |\n| --: | --: | --- | --: | --: | --: | --: | --: | --: |"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"
        for tenants, odd in (*((size, False) for size in _SIZES), (_SIZES[-1], True)):
            generator.write(file, tenants, odd=odd)
            row = measure(file, tenants, generator.bad_tenant(tenants) if odd else "")
            rows.append(row)
            print(_line(row, odd=odd), flush=True)  # noqa: T201
    larger, smaller = rows[3], rows[2]
    ratio = larger.deciding / smaller.deciding
    print(  # noqa: T201
        f"\nTen times the tenants take {ratio:.1f} times as long to decide,"
        f" {larger.whole / smaller.whole:.1f} times as long in all."
    )
    right = all(
        row.named and row.answer == ("violated" if number == len(_SIZES) else "proven")
        for number, row in enumerate(rows)
    )
    return 0 if right else 1


def _line(row: Row, *, odd: bool) -> str:
    answer = row.answer
    if odd:
        answer += ", and names the one bad tenant" if row.named else ", and does not name it"
    return (
        f"| {row.tenants:,} | {row.megabytes:.0f} | {answer} | {row.classes} | {row.reading:.2f} |"
        f" {row.preparing:.2f} | {row.deciding:.2f} | {row.whole:.1f} | {row.memory:.2f} |"
    )


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    sys.exit(main())
