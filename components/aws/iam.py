"""A tenant's roles, and the platform administrators'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from tenancy.access import boundary_statements, role_statements
from tenancy.administration import administrator_statements
from tenancy.claims import Claims
from tenancy.environment import Environment
from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import PLATFORM, Names, RoleKind
from tenancy.settings import TenantSettings
from tenancy.trust import access_trust, platform_admin_trust, run_trust


@dataclass(frozen=True)
class TenantIAMArgs:
    """``external_ids`` resolves the references in the tenant's ``access``."""

    settings: TenantSettings
    external_ids: Mapping[str, str]


class TenantIAM(pulumi.ComponentResource):
    """The roles of one tenant, within one boundary: reader, writer, admin and run, or the run's
    alone where the tenant shares the others.
    """

    role_arns: dict[RoleKind, pulumi.Output[str]]

    def __init__(self, name: str, args: TenantIAMArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:TenantIAM", name, None, opts)
        settings, names = args.settings, args.settings.names
        boundary = bounded_by(self, name, names, settings.id, boundary_statements(settings))
        self.role_arns = {
            kind: bounded_role(
                self,
                f"{name}-{kind}",
                names,
                settings.id,
                kind,
                boundary=boundary,
                trust=_trust(kind, args),
                grants=role_statements(settings, kind),
            )
            for kind in settings.own_roles
        }
        principals = tuple(settings.role_arn(kind) for kind in settings.own_roles)
        claims = Claims(
            tenant=settings.id,
            owns=(*principals, names.boundary_arn(settings.id)),
            principals=principals,
        )
        self.register_outputs({"claims": claims.to_json()})


@dataclass(frozen=True)
class PlatformAdminArgs:
    """``names``: those of the platform's own account."""

    environment: Environment
    names: Names


class PlatformAdmin(pulumi.ComponentResource):
    """The administrators' role, with MFA, once for each environment."""

    role_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: PlatformAdminArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:PlatformAdmin", name, None, opts)
        names = args.names
        grants = administrator_statements(names)
        self.role_arn = bounded_role(
            self,
            f"{name}-role",
            names,
            PLATFORM,
            RoleKind.ADMIN,
            boundary=bounded_by(self, name, names, PLATFORM, grants),
            trust=platform_admin_trust(args.environment.platform_admins),
            grants=grants,
        )
        role = names.role_arn(PLATFORM, RoleKind.ADMIN)
        claims = Claims(
            tenant=None,
            owns=(role, names.boundary_arn(PLATFORM)),
            principals=(role, *args.environment.platform_admins),
            reason="administrators operate every tenant's part of the environment, with MFA",
        )
        self.register_outputs({"claims": claims.to_json()})


def _trust(kind: RoleKind, args: TenantIAMArgs) -> tuple[Statement, ...]:
    names = args.settings.names
    if kind is RoleKind.RUN:
        return run_trust(names)
    grantees = getattr(args.settings.tenant.access, kind.value)
    return access_trust(grantees, names, args.external_ids)


def bounded_by(
    parent: pulumi.Resource,
    name: str,
    names: Names,
    owner: str,
    statements: Sequence[Statement],
) -> aws.iam.Policy:
    """The boundary of the roles of ``owner``."""
    return aws.iam.Policy(
        f"{name}-boundary",
        name=names.boundary(owner),
        path=names.boundary_path,
        description=f"The most that a role of {owner} may ever do",
        policy=render(statements, PolicyKind.MANAGED),
        opts=ResourceOptions(parent=parent),
    )


def bounded_role(  # noqa: PLR0913 - a role is all of these; a dataclass would only rename them
    parent: pulumi.Resource,
    name: str,
    names: Names,
    owner: str,
    kind: RoleKind,
    *,
    boundary: aws.iam.Policy,
    trust: Sequence[Statement],
    grants: Sequence[Statement],
    trust_limit: int | None = None,
) -> pulumi.Output[str]:
    """A role of ``owner``; its ARN. ``trust_limit``: characters, where AWS has raised the quota."""
    role = aws.iam.Role(
        name,
        name=names.role(owner, kind),
        path=names.role_path(owner, kind),
        description=f"{kind} of {owner}",
        assume_role_policy=render(trust, PolicyKind.TRUST, trust_limit),
        permissions_boundary=boundary.arn,
        opts=ResourceOptions(parent=parent),
    )
    aws.iam.RolePolicy(
        f"{name}-grants",
        name="grants",
        role=role.name,
        policy=render(grants, PolicyKind.INLINE),
        opts=ResourceOptions(parent=parent),
    )
    arn: pulumi.Output[str] = role.arn
    return arn
