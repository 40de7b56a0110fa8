"""The components of a tenant, of its account and of the shared platform on AWS."""

from components.aws.account import Account, AccountArgs
from components.aws.commons import Commons, Shard, ShardArgs
from components.aws.dagster import Dagster, DagsterArgs
from components.aws.foundation import Foundation, FoundationArgs
from components.aws.iam import PlatformAdmin, PlatformAdminArgs
from components.aws.organization import (
    Organization,
    OrganizationArgs,
    VendedAccount,
    VendedAccountArgs,
)
from components.aws.peering import Peering, PeeringArgs
from components.aws.platform import Platform, PlatformArgs
from components.aws.shared_roles import SharedRoles, SharedRolesArgs
from components.aws.tags import tagging
from components.aws.tenant import Tenant, TenantArgs

__all__ = [
    "Account",
    "AccountArgs",
    "Commons",
    "Dagster",
    "DagsterArgs",
    "Foundation",
    "FoundationArgs",
    "Organization",
    "OrganizationArgs",
    "Peering",
    "PeeringArgs",
    "Platform",
    "PlatformAdmin",
    "PlatformAdminArgs",
    "PlatformArgs",
    "Shard",
    "ShardArgs",
    "SharedRoles",
    "SharedRolesArgs",
    "Tenant",
    "TenantArgs",
    "VendedAccount",
    "VendedAccountArgs",
    "tagging",
]
