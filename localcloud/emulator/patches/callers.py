"""Who calls: the principal behind the access key of a request, and its tags."""

# Moto's objects are loosely typed.
# ruff: noqa: ANN401

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

PARTITION = "aws"
_PARTS = 6  # of an ARN


@dataclass(frozen=True)
class Caller:
    """A principal. ``arn`` is what ``aws:PrincipalArn`` says: of a session, its role's; a service
    of AWS is named there as in policies (``cloudtrail.amazonaws.com``), and has no account.
    """

    account: str
    arn: str
    session: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


def role_by_arn(arn: str) -> Any | None:
    """The role in moto with exactly this ARN, in whatever account; None when there is none."""
    parts = arn.split(":", 5)
    if len(parts) != _PARTS or parts[2] != "iam" or not parts[5].startswith("role/"):
        return None
    if parts[4] not in iam_backends:
        return None
    # Listed first: another thread may add a role meanwhile.
    roles = list(iam_backends[parts[4]][PARTITION].roles.values())
    return next((role for role in roles if role.arn == arn), None)


def user_by_arn(arn: str) -> Any | None:
    """As `role_by_arn`, of a user."""
    parts = arn.split(":", 5)
    if len(parts) != _PARTS or parts[2] != "iam" or parts[4] not in iam_backends:
        return None
    users = list(iam_backends[parts[4]][PARTITION].users.values())
    return next((user for user in users if user.arn == arn), None)


def caller(account: str, access_key: str) -> Caller | None:
    """The principal that owns the key; None for a key that belongs to nobody.

    The emulator is entered with such a key: its holder runs the cloud itself, as moto has it.
    """
    sessions = list(sts_backends[account][PARTITION].assumed_roles)
    for session in sessions:
        if session.access_key_id == access_key:
            role = role_by_arn(session.role_arn)
            tags = _tags(role.tags) if role is not None else {}
            return Caller(account, session.role_arn, session.arn, tags)
    user = iam_backends[account][PARTITION].get_user_from_access_key_id(access_key)
    if user is not None:
        return Caller(account, user.arn, user.arn, _tags(user.tags))
    return None


def _tags(tags: Any) -> dict[str, str]:
    """Tags of a role (a map of key/value pairs) or of a user (a list of them)."""
    listed = tags.values() if isinstance(tags, Mapping) else tags or []
    return {tag["Key"]: tag["Value"] for tag in listed}
