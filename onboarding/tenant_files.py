"""Writes new tenants' files: only such as the whole estate accepts, all of them or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tenancy.errors import InvalidInput, Problem
from tenancy.estate import load_estate

_READ = ("Pulumi.*.yaml", "tenants/*", "table-templates/*")
"""What an estate is read from."""


def write_new(root: Path, texts: Mapping[str, str]) -> tuple[Path, ...]:
    """Write `tenants/<id>.yaml` for each id of ``texts``, once the estate accepts them together.

    Raises:
        InvalidInput: a file is there already, or the estate with these files breaks a rule.
            Nothing was written then.
    """
    check(root, texts)
    return _create({root / "tenants" / f"{tenant}.yaml": text for tenant, text in texts.items()})


def check(root: Path, texts: Mapping[str, str]) -> None:
    """Read the estate as it would be with these files; what it breaks is `InvalidInput`."""
    there = [tenant for tenant in texts if (root / "tenants" / f"{tenant}.yaml").exists()]
    if there:
        raise InvalidInput(_exists(tenant) for tenant in there)
    with tempfile.TemporaryDirectory(prefix="tenancy-") as folder:
        draft = Path(folder)
        for pattern in _READ:
            for path in root.glob(pattern):
                if path.is_file():
                    copy = draft / path.relative_to(root)
                    copy.parent.mkdir(exist_ok=True)
                    shutil.copy(path, copy)
        (draft / "tenants").mkdir(exist_ok=True)
        for tenant, text in texts.items():
            (draft / "tenants" / f"{tenant}.yaml").write_text(text, encoding="utf-8")
        load_estate(draft)


def _create(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Make the files, each whole from the first moment; if one cannot be made, none stays."""
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in texts}
    made: list[Path] = []
    try:
        for path, draft in drafts.items():
            draft.write_text(texts[path], encoding="utf-8")
        for path, draft in drafts.items():
            path.hardlink_to(draft)  # unlike a rename, it refuses to replace
            made.append(path)
    except BaseException as error:
        for path in made:
            path.unlink()
        if isinstance(error, FileExistsError):  # since we looked
            raise InvalidInput(_exists(path.stem) for path in texts if path.exists()) from None
        raise
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return tuple(made)


def _exists(tenant: str) -> Problem:
    return Problem(
        f"tenants/{tenant}.yaml",
        "",
        "the file is there already, and no edit of yours is ever overwritten",
        f"edit tenants/{tenant}.yaml, or choose another id",
    )
