"""The registry of an account on this machine: a folder, where the account has a prefix."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tenancy.names import REGISTRY_PREFIX
from tenancy.registry import entry, key
from tenancy.settings import TenantSettings


def write(folder: Path, tenants: Iterable[TenantSettings]) -> bool:
    """Make the folder's entries those of the tenants, each whole or not at all.

    Returns:
        whether that changed anything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {key(each.id).removeprefix(REGISTRY_PREFIX): entry(each) for each in tenants}
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    for name in there.keys() - wanted.keys():
        (folder / name).unlink()
    for name, text in wanted.items():
        if there.get(name) != text:
            draft = folder / f"{name}.{os.getpid()}"
            draft.write_text(text, encoding="utf-8")
            draft.replace(folder / name)
    return there != wanted
