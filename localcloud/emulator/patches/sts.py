"""STS: only roles that exist can be assumed.

moto hands out credentials for any ARN, in any account.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.core.exceptions import AccessDeniedError
from moto.sts.models import STSBackend

from localcloud.emulator.patches.callers import role_by_arn
from localcloud.emulator.patches.wrapping import Function, around


def _assume_role(original: Function, self: Any, *args: Any, **kwargs: Any) -> Any:
    # AWS tells an absent role and a forbidden one alike, so that nobody can probe for roles.
    arn = kwargs["role_arn"]
    if role_by_arn(arn) is None:
        who = f"arn:aws:sts::{self.account_id}:caller"
        raise AccessDeniedError(who, f"sts:AssumeRole on resource: {arn}")
    return original(self, *args, **kwargs)


def patch() -> None:
    """Change moto in this process."""
    around(STSBackend, "assume_role")(_assume_role)
