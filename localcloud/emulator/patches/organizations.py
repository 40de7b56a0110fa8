"""Organizations: one account for an e-mail address, with a role that can be assumed.

moto takes the same address twice, numbers accounts at random, and makes the role of an account
where its other services do not look for it.
"""

# A wrapper has the form of what it wraps.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import Any

from moto.organizations.models import OrganizationsBackend

from localcloud.emulator import organization
from localcloud.emulator.patches.wrapping import Function, around

# AWS Organizations API, CreateAccountStatus.
_TAKEN = "EMAIL_ALREADY_EXISTS"


def _create_account(original: Function, self: Any, **kwargs: Any) -> Any:
    if any(one.email.lower() == kwargs["Email"].lower() for one in self.accounts):
        refused = {"Id": "car-00000000", "AccountName": kwargs["AccountName"]}
        return {"CreateAccountStatus": {**refused, "State": "FAILED", "FailureReason": _TAKEN}}
    original(self, **kwargs)
    made = self.accounts[-1]
    organization.renumber(self, made)
    organization.give_access_role(
        self.account_id, made.id, kwargs.get("RoleName") or organization.ACCOUNT_ROLE
    )
    return made.create_account_status


def patch() -> None:
    """Change moto in this process."""
    around(OrganizationsBackend, "create_account")(_create_account)
