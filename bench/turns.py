"""Comparisons on a machine that does other things too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, and of this process on the processors."""

    wall: float
    busy: float


def in_turns(
    calls: Mapping[str, Callable[[], object]], rounds: int, *, warm: int = 1
) -> dict[str, list[Took]]:
    """What each call took in each round; every second round goes through them backwards.

    Args:
        calls: what is compared, by name.
        rounds: how many are counted.
        warm: how many go before, and are not.
    """
    found: dict[str, list[Took]] = {name: [] for name in calls}
    for number in range(rounds + warm):
        for name, call in list(calls.items())[:: 1 if number % 2 else -1]:
            began, busy = time.perf_counter(), time.process_time()
            call()
            took = Took(time.perf_counter() - began, time.process_time() - busy)
            if number >= warm:
                found[name].append(took)
    return found


def ratio(
    found: Mapping[str, list[Took]], of: str, to: str, what: Callable[[Took], float]
) -> float:
    """The median of the rounds' ratios."""
    return median(what(a) / what(b) for a, b in zip(found[of], found[to], strict=True))
