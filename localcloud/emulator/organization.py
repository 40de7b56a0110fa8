"""The organization that the embedded cloud's accounts belong to.

moto's Organizations gives a member a number of its own choice; here its number is the caller's.
"""

from __future__ import annotations

from typing import Final

from moto.organizations.models import FakeAccount, OrganizationsBackend, organizations_backends
from moto.organizations.utils import DEFAULT_RCP_POLICY_ID, DEFAULT_SCP_POLICY_ID

PARTITION: Final = "aws"
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


def _of(management: str) -> OrganizationsBackend:
    backend: OrganizationsBackend = organizations_backends[management][PARTITION]
    return backend
