"""What a kill does to the files of the engine's file backend, and its mending.

A state file is replaced as a whole. The small file of attributes beside it (`.attrs`: its type
and checksum) is not: it is truncated, then written. A kill in between leaves it empty, and then
every command on the project fails with nothing but "EOF". Without the file all is well: the
backend does not need what it says, and writes it anew with the next state.
"""

from __future__ import annotations

import json
from pathlib import Path


def drop_torn_attributes(state: Path) -> int:
    """Remove attribute files that a kill cut short. Returns how many there were.

    Args:
        state: the folder of the file backend. A living engine is not disturbed.
    """
    torn = [path for path in (state / ".pulumi").rglob("*.attrs") if _is_torn(path)]
    for path in torn:
        path.unlink(missing_ok=True)
    return len(torn)


def _is_torn(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:  # a living engine has replaced it
        return False
    except ValueError:
        return True
    return False
