"""The program: read the estate, make the account and what it stands on, then each tenant."""

from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

import components.aws as lakehouse
from tenancy.errors import InvalidInput
from tenancy.estate import StackPlan, load_estate
from tenancy.names import PLATFORM
from tenancy.organization import OrganizationPlan
from tenancy.tiers import Tier

try:
    stack = load_estate(Path(__file__).parent).plan(pulumi.get_stack())
except InvalidInput as error:
    raise pulumi.RunError(f"the input files cannot be used:\n{error}") from error

environment, names = stack.environment, stack.names
provider = aws.Provider(
    PLATFORM,
    region=stack.region,
    allowed_account_ids=[stack.account_id],
    assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=role) for role in stack.assumed_roles],
)


managed = {"environment": environment.name, "managed-by": f"{pulumi.get_project()}/{stack.home}"}


def owned_by(tenant: str, tier: str) -> ResourceOptions:
    """Everything of one owner: tagged so, and made with the stack's provider."""
    tags = {"tenant": tenant, "tier": tier, **managed}
    return ResourceOptions(providers=[provider], transformations=[lakehouse.tagging(tags)])


def tenants_on(commons: lakehouse.Commons, stack: StackPlan) -> None:
    """The tenants of the stack, each of all that it needs."""
    for settings in stack.tenants:
        args = lakehouse.TenantArgs(settings, commons, stack.deployers)
        lakehouse.Tenant(settings.id, args, owned_by(settings.id, settings.placement.tier))


of_platform = owned_by(PLATFORM, PLATFORM)
if isinstance(stack, OrganizationPlan):
    root = lakehouse.OrganizationArgs(stack)
    unit_id = lakehouse.Organization("organization", root, of_platform).unit_id
    accounts: dict[str, pulumi.Output[str]] = {}
    for tenant in stack.members:
        member = lakehouse.VendedAccountArgs(stack, tenant, unit_id)
        of_tenant = owned_by(tenant, Tier.HARD.label)
        accounts[tenant] = lakehouse.VendedAccount(tenant, member, of_tenant).number
    pulumi.export("accounts", accounts)
elif stack.shard:
    shard = lakehouse.Shard("shard", lakehouse.ShardArgs(stack), of_platform)
    tenants_on(shard.commons, stack)
else:
    of_owner = owned_by(stack.owner, Tier.HARD.label) if stack.hard else of_platform
    lake_admins: list[pulumi.Input[str]] = list(stack.deployers)
    if not stack.hard:
        admins = lakehouse.PlatformAdminArgs(environment, names)
        lake_admins.append(lakehouse.PlatformAdmin("admin", admins, of_platform).role_arn)
    lake = lakehouse.AccountArgs(
        names, lake_admins, stack.oidc_audiences, stack.deployers, stack.hard
    )
    account = lakehouse.Account("account", lake, of_platform)
    foundation = lakehouse.Foundation("foundation", lakehouse.FoundationArgs(stack), of_owner)
    ground, shared_database = foundation.ground, None
    dagster = lakehouse.Dagster("dagster", lakehouse.DagsterArgs(ground, stack.served), of_owner)
    if stack.hard:
        peer = aws.Provider(
            "of-platform", region=environment.region, allowed_account_ids=[environment.account_id]
        )
        peering = lakehouse.PeeringArgs(foundation.network, environment, peer)
        lakehouse.Peering("peering", peering, of_owner)
    else:
        args = lakehouse.PlatformArgs(names, account.parts, ground, stack.served, stack.deployers)
        shared_database = lakehouse.Platform("platform", args, of_platform).shared_database
        if sharing := stack.sharing_roles:
            of_roles = lakehouse.SharedRolesArgs(environment, names, sharing)
            lakehouse.SharedRoles("shared", of_roles, of_platform)
        pulumi.export("vpc_id", foundation.network.parts.vpc_id)
        pulumi.export("route_table_id", foundation.network.route_table_id)
    commons = lakehouse.Commons(
        ground,
        account.parts,
        dagster.parts,
        foundation.audit_key_arn,
        foundation.registry_bucket,
        shared_database,
    )
    if not stack.hard:
        pulumi.export("commons", commons.to_outputs())
    tenants_on(commons, stack)
