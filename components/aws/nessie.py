"""A tenant's Nessie: its own, or its part of the one that soft tenants share."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.aws.database import DatabaseUser, DatabaseUserArgs
from components.aws.ground import Ground
from components.aws.load_balancer import HostRoute, HostRouteArgs
from components.aws.parts import RoleParts
from components.aws.security_group import Flow, allow_from
from components.aws.service import Service, ServiceArgs, ServiceRoles, ServiceRolesArgs
from tenancy.access import metadata_arns, metadata_statements
from tenancy.claims import Claims
from tenancy.database import PORT
from tenancy.grants import PolicyKind, paged, render
from tenancy.hosts import Hosts
from tenancy.names import PLATFORM, ServiceKind
from tenancy.nessie import (
    DATABASE_URL,
    GATEWAY_HEALTH_PATH,
    GATEWAY_PORT,
    NESSIE_HEALTH_PATH,
    NESSIE_PORT,
    gateway_task,
    jdbc_url,
    nessie_task,
    shared_key_statement,
    shared_metadata_statement,
)
from tenancy.registry_fence import registry_statements
from tenancy.settings import OwnNessie, TenantSettings

DISCOVERY_TTL = 10  # seconds


@dataclass(frozen=True)
class SharedNessieArgs:
    """``tenants``: those that share it."""

    ground: Ground
    tenants: Sequence[TenantSettings]


class SharedNessie(pulumi.ComponentResource):
    """One Nessie for the soft tenants, which only the catalog gateway can reach."""

    def __init__(
        self, name: str, args: SharedNessieArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:SharedNessie", name, None, opts)
        self._name, self._args, self._child = name, args, ResourceOptions(parent=self)
        nessie = self._nessie()
        self._grants(nessie)
        gateway = self._gateway(nessie)
        allow_from(
            f"{name}-nessie",
            nessie.group_id,
            Flow("gateway", NESSIE_PORT, group_id=gateway.group_id),
            self._child,
        )
        names = args.ground.names
        claims = Claims(
            tenant=None,
            owns=tuple(
                names.service_policy_arn(PLATFORM, ServiceKind.NESSIE, number)
                for number in range(1, len(self._pages()) + 1)
            ),
            reason="the shared Nessie's reach, in as many policies as it takes",
        )
        self.register_outputs({"claims": claims.to_json()})

    def _nessie(self) -> Service:
        name, ground = self._name, self._args.ground
        names = ground.names
        namespace = aws.servicediscovery.PrivateDnsNamespace(
            f"{name}-names",
            name=names.discovery_namespace,
            vpc=ground.network.vpc_id,
            opts=self._child,
        )
        registry = aws.servicediscovery.Service(
            f"{name}-registry",
            name=ServiceKind.NESSIE,
            dns_config={
                "namespace_id": namespace.id,
                "dns_records": [{"type": "A", "ttl": DISCOVERY_TTL}],
            },
            opts=self._child,
        )
        user = _database_user(f"{name}-user", ground, PLATFORM, self._child)
        return Service(
            f"{name}-nessie",
            ServiceArgs(
                ground,
                nessie_task(None, names, ground.environment),
                ground.roles,
                statements=(shared_key_statement(names),),
                environment={DATABASE_URL: _database_url(ground, user)},
                secret_arns={ServiceKind.NESSIE: user.secret_arn},
                uses_database=True,
                registry_arn=registry.arn,
                reason="writes the metadata of every soft tenant's tables, for requests that the"
                " catalog gateway has bound to the caller's tenant",
            ),
            self._child,
        )

    def _pages(self) -> tuple[str, ...]:
        ground = self._args.ground
        sharded = ground.environment.shards is not None
        statement = shared_metadata_statement(ground.names, self._args.tenants, sharded=sharded)
        return tuple(
            render([page], PolicyKind.MANAGED) for page in paged(statement, PolicyKind.MANAGED)
        )

    def _grants(self, nessie: Service) -> None:
        names = self._args.ground.names
        for number, policy in enumerate(self._pages(), start=1):
            page = aws.iam.Policy(
                f"{self._name}-metadata-{number}",
                name=names.service_policy(PLATFORM, ServiceKind.NESSIE, number),
                path=names.service_path,
                description="Metadata of the soft tenants' tables",
                policy=policy,
                opts=self._child,
            )
            aws.iam.RolePolicyAttachment(
                f"{self._name}-metadata-{number}-attached",
                role=nessie.role_name,
                policy_arn=page.arn,
                opts=self._child,
            )

    def _gateway(self, nessie: Service) -> Service:
        ground = self._args.ground
        spec = gateway_task(ground.names, ground.environment)
        route = HostRoute(
            f"{self._name}-route",
            HostRouteArgs(
                ground.load_balancer,
                ground.names,
                PLATFORM,
                ServiceKind.GATEWAY,
                Hosts(ground.domain).catalog,
                GATEWAY_PORT,
                GATEWAY_HEALTH_PATH,
                ground.priorities[Hosts(ground.domain).catalog],
                ground.network.vpc_id,
            ),
            self._child,
        )
        return Service(
            f"{self._name}-gateway",
            ServiceArgs(
                ground,
                spec,
                ground.roles,
                route=route,
                statements=registry_statements(ground.names, PLATFORM),
                calls=(Flow("nessie", NESSIE_PORT, group_id=nessie.group_id),),
                reason="checks whose token a catalog request carries; its role reads the registry,"
                " and may do nothing else",
            ),
            self._child,
        )


@dataclass(frozen=True)
class TenantNessieArgs:
    """``ground``: the platform's, or the tenant's own."""

    settings: TenantSettings
    ground: Ground


class TenantNessie(pulumi.ComponentResource):
    """The tenant's catalog: a Nessie of its own, or a namespace of the shared one."""

    def __init__(
        self, name: str, args: TenantNessieArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:TenantNessie", name, None, opts)
        settings = args.settings
        names, tenant = settings.names, settings.id
        log_owner, log_kind = PLATFORM, ServiceKind.GATEWAY
        if isinstance(settings.nessie, OwnNessie):
            log_owner, log_kind = tenant, ServiceKind.NESSIE
            self._own(name, args)
        claims = Claims(tenant=tenant, owns=metadata_arns(settings))
        self.register_outputs(
            {
                "claims": claims.to_json(),
                "host": settings.network.host,
                "namespace": tenant,
                "warehouse": settings.nessie.warehouse,
                "log_group": names.log_group(log_owner, log_kind),
            }
        )

    def _own(self, name: str, args: TenantNessieArgs) -> None:
        child = ResourceOptions(parent=self)
        settings, ground = args.settings, args.ground
        tenant = settings.id
        user = _database_user(f"{name}-user", ground, tenant, child)
        route = HostRoute(
            f"{name}-route",
            HostRouteArgs(
                ground.load_balancer,
                ground.names,
                tenant,
                ServiceKind.NESSIE,
                settings.network.host,
                NESSIE_PORT,
                NESSIE_HEALTH_PATH,
                ground.priorities[settings.network.host],
                ground.network.vpc_id,
            ),
            child,
        )
        Service(
            name,
            ServiceArgs(
                ground,
                nessie_task(settings, ground.names, ground.environment),
                self._roles(name, ground, settings),
                statements=metadata_statements(settings),
                environment={DATABASE_URL: _database_url(ground, user)},
                secret_arns={ServiceKind.NESSIE: user.secret_arn},
                uses_database=True,
                route=route,
            ),
            child,
        )

    def _roles(self, name: str, ground: Ground, settings: TenantSettings) -> RoleParts:
        """Its own ground's; on the platform's ground, some that reach this tenant only."""
        if ground.owner == settings.id:
            return ground.roles
        images = (ground.environment.images.nessie,)
        return ServiceRoles(
            f"{name}-roles",
            ServiceRolesArgs(
                ground.names, settings.id, ground.owner, images, suspended=settings.suspended
            ),
            ResourceOptions(parent=self),
        ).parts


def _database_user(name: str, ground: Ground, owner: str, opts: ResourceOptions) -> DatabaseUser:
    return DatabaseUser(
        name, DatabaseUserArgs(ground.database, ground.names, owner, ServiceKind.NESSIE), opts
    )


def _database_url(ground: Ground, user: DatabaseUser) -> Output[str]:
    database = user.database_name
    return ground.database.address.apply(lambda address: jdbc_url(address, PORT, database))
