"""The roles that soft tenants share, where the environment says so."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.aws.iam import bounded_by, bounded_role
from tenancy.claims import Claims
from tenancy.environment import Environment
from tenancy.names import SHARED, Names
from tenancy.settings import TenantSettings
from tenancy.shared_roles import (
    LIMIT,
    SESSION_TAG,
    SHARED_KINDS,
    shared_boundary_statements,
    shared_role_statements,
    shared_trust,
)


@dataclass(frozen=True)
class SharedRolesArgs:
    """``tenants``: those that share the roles."""

    environment: Environment
    names: Names
    tenants: Sequence[TenantSettings]


class SharedRoles(pulumi.ComponentResource):
    """Reader, writer and admin of all tenants that share them, within one boundary.

    A session has the tag of one tenant, and acts for that tenant alone.
    """

    def __init__(
        self, name: str, args: SharedRolesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:SharedRoles", name, None, opts)
        names, environment = args.names, args.environment
        suspended = [settings.id for settings in args.tenants if settings.suspended]
        limits = shared_boundary_statements(names, suspended)
        boundary = bounded_by(self, name, names, SHARED, limits)
        for kind in SHARED_KINDS:
            bounded_role(
                self,
                f"{name}-{kind}",
                names,
                SHARED,
                kind,
                boundary=boundary,
                trust=shared_trust(kind, args.tenants, environment.external_ids),
                grants=shared_role_statements(names, kind),
                trust_limit=environment.limit(LIMIT),
            )
        principals = tuple(names.role_arn(SHARED, kind) for kind in SHARED_KINDS)
        claims = Claims(
            tenant=None,
            owns=(*principals, names.boundary_arn(SHARED)),
            principals=principals,
            reason="soft tenants share it: each session acts for the tenant that its tag names",
            session_tag=SESSION_TAG,
        )
        self.register_outputs({"claims": claims.to_json()})
