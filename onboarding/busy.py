"""Waits for other runs to let go of what a command is about to work on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 600.0
"""Seconds until a run is given up on; a living one of a local stack takes a minute or two."""

_LOOK_EVERY = 0.2  # seconds


class Busy(Exception):
    """Another living run holds a stack, and did not let go of it in time."""


@dataclass(frozen=True)
class Holder:
    """A living run; ``words`` say for a message which process it is."""

    pid: int
    words: str


def when_free(
    look: Callable[[], tuple[Found, Holder | None]], what: str, say: Callable[[str], None]
) -> Found:
    """What is found once nobody holds it any more.

    Args:
        look: what is found now, and who holds it.
        what: what is held, for a message.
        say: told each holder that is waited for, once.

    Raises:
        Busy: somebody holds it longer than PATIENCE.
    """
    deadline, told = time.monotonic() + PATIENCE, None
    while True:
        found, holder = look()
        if holder is None:
            return found
        if time.monotonic() > deadline:
            raise Busy(
                f"{what} is held by {holder.words}\n"
                f"  remedy: wait for it, or end it (kill -INT {holder.pid}) and run this again"
            )
        if holder != told:
            say(f"waiting for another run: {holder.words}")
            told = holder
        time.sleep(_LOOK_EVERY)
