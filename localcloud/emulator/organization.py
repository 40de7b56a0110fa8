"""The organization that the embedded cloud's accounts belong to.

moto's Organizations gives root and members ids by chance. Here the root's is always the same, for
configuration files to name; a member that joins has its caller's number; and the number of a member
that is made follows from its e-mail address, so that a cloud that is built again numbers it alike.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from moto.iam.models import iam_backends
from moto.organizations.models import FakeAccount, OrganizationsBackend, organizations_backends
from moto.organizations.utils import DEFAULT_RCP_POLICY_ID, DEFAULT_SCP_POLICY_ID

PARTITION: Final = "aws"
ROOT: Final = "r-root"
"""The id of the organization's root."""
ACCOUNT_ROLE: Final = "OrganizationAccountAccessRole"
"""The role that AWS Organizations makes in each member account it creates; it trusts the
management account (AWS Organizations User Guide, "Accessing member accounts")."""
TRUSTED: Final = ("cloudtrail.amazonaws.com",)
"""The services with trusted access: CloudTrail needs it for an organization's trail (AWS
Organizations User Guide, "AWS CloudTrail and AWS Organizations")."""


def found(management: str) -> None:
    """Make the account the management account of an organization, unless it has one."""
    backend = _of(management)
    if backend.org is None:
        backend.create_organization(region="us-east-1", FeatureSet="ALL")
        for service in TRUSTED:
            backend.enable_aws_service_access(ServicePrincipal=service)
        _call_root(backend)
        backend.enable_policy_type(RootId=ROOT, PolicyType="SERVICE_CONTROL_POLICY")


def _call_root(backend: Any) -> None:  # noqa: ANN401 - moto's, loosely typed
    for one in (*backend.ou, *backend.accounts):
        one.parent_id = ROOT
    backend.org.root_id = backend.ou[0].id = ROOT


def join(management: str, account: str) -> None:
    """Make the account a member of the management account's organization, unless it is in it."""
    backend = _of(management)
    if backend.org is None or any(one.id == account for one in backend.accounts):
        return
    member = FakeAccount(backend.org, AccountName=account, Email=f"{account}@accounts.example")
    member.id = account
    backend.accounts.append(member)
    for policy in (DEFAULT_SCP_POLICY_ID, DEFAULT_RCP_POLICY_ID):
        backend.attach_policy(PolicyId=policy, TargetId=account)
    organizations_backends.master_accounts[account] = (management, PARTITION)


def renumber(backend: Any, account: Any) -> None:  # noqa: ANN401 - moto's, loosely typed
    """Give a member that was just made the number that follows from its e-mail address."""
    taken = {one.id for one in backend.accounts if one is not account}
    digest = hashlib.sha256(account.email.lower().encode()).digest()
    number = int.from_bytes(digest[:8])
    while (given := f"{number % 10**12:012d}") in taken:
        number += 1
    organizations_backends.master_accounts[given] = organizations_backends.master_accounts.pop(
        account.id
    )
    account.id = given


def give_access_role(management: str, account: str, name: str = ACCOUNT_ROLE) -> str:
    """Make the role by which the management account acts in the account, unless it is there.

    Returns its ARN.
    """
    iam = iam_backends[account][PARTITION]
    if not any(role.name == name for role in iam.get_roles()):
        iam.create_role(
            role_name=name,
            assume_role_policy_document=_policy(
                Principal={"AWS": f"arn:aws:iam::{management}:root"},
                Action="sts:AssumeRole",
            ),
            path="/",
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
        )
        # AWS attaches its managed policy of this name; moto loads those only on demand (a second
        # per account), so the same statement is written inline.
        everything = _policy(Action="*", Resource="*")
        iam.put_role_policy(name, "AdministratorAccess", everything)
    return f"arn:aws:iam::{account}:role/{name}"


def members(management: str) -> tuple[str, ...]:
    """The numbers of the organization's accounts, its management account's among them."""
    return tuple(sorted(str(one.id) for one in _of(management).accounts))


def _of(management: str) -> OrganizationsBackend:
    backend: OrganizationsBackend = organizations_backends[management][PARTITION]
    return backend


def _policy(**statement: object) -> str:
    """A policy document with one Allow statement, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
