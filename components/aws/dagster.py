"""Dagster: the services of one instance, and for each tenant the task that its runs are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.aws.database import DatabaseUser, DatabaseUserArgs
from components.aws.ground import Ground
from components.aws.load_balancer import HostRoute, HostRouteArgs
from components.aws.network import HTTPS
from components.aws.parts import RunParts
from components.aws.security_group import Flow, ServiceGroup, ServiceGroupArgs, allow_from
from components.aws.service import Service, ServiceArgs, Task, TaskArgs, claims_of
from tenancy.claims import Claims
from tenancy.dagster import (
    CODE_SERVER_PORT,
    DATABASE_HOST,
    DATABASE_NAME,
    DATABASE_PORT,
    RUN_NETWORK,
    WEBSERVER_HEALTH_PATH,
    WEBSERVER_PORT,
    DagsterPlan,
    run_task,
)
from tenancy.database import PORT
from tenancy.database_names import database_name
from tenancy.grants import PolicyKind, Statement, paged, render
from tenancy.hosts import Hosts
from tenancy.names import ServiceKind
from tenancy.services import TaskSpec
from tenancy.settings import TenantSettings
from tenancy.trust import run_trust

DISCOVERY_TTL = 10  # seconds
RUN_EXECUTION = "run-execution"
RUN_CLIENTS = "run-clients"


@dataclass(frozen=True)
class DagsterArgs:
    """``tenants``: whose runs are started here."""

    ground: Ground
    tenants: Sequence[TenantSettings]


class Dagster(pulumi.ComponentResource):
    """Webserver, daemon and code server of one instance, its database user, and what its runs are
    started with: a security group, and the role that ECS starts them with.

    There is one on each ground: the platform's, which soft and medium tenants share, or a hard
    tenant's own. The webserver is reached through the load balancer only, and nothing there asks
    who is calling: no user, no password, no token. The code server and the daemon are reached by
    nobody from outside.
    """

    parts: RunParts

    def __init__(self, name: str, args: DagsterArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Dagster", name, None, opts)
        self._name, self._args, self._child = name, args, ResourceOptions(parent=self)
        ground = args.ground
        names, owner = ground.names, ground.owner
        self._plan = DagsterPlan(names, owner, args.tenants, ground.environment)
        hosts = Hosts(ground.domain)
        self._host = hosts.dagster if self._plan.shared else hosts.dagster_of(owner)
        user = DatabaseUser(
            f"{name}-user",
            DatabaseUserArgs(ground.database, names, owner, ServiceKind.DAGSTER),
            self._child,
        )
        self._secret_arn = user.secret_arn
        execution_role_arn, run_execution_policies = self._run_execution()
        self.parts = RunParts(execution_role_arn, user.secret_arn)
        run_network = Output.json_dumps(
            {"subnets": ground.network.subnet_ids, "security_groups": [self._run_group()]}
        )
        self._environment = {**_database(ground), RUN_NETWORK: run_network}
        daemon_policies = self._services()
        run_execution = names.run_execution_role_arn(owner)
        claims = claims_of(
            owner,
            (run_execution, *run_execution_policies, *daemon_policies),
            (run_execution,),
            "ECS starts every tenant's runs with it: it pulls their image, reads the credentials of"
            " Dagster's database user and of each tenant's client at the identity provider, and"
            " writes their logs; no run has it",
        )
        self.register_outputs({"claims": claims.to_json(), "host": self._host})

    def _run_execution(self) -> tuple[Output[str], tuple[str, ...]]:
        """The role that ECS starts runs with, and the ARNs of the policies that it took."""
        name, names, owner = self._name, self._plan.names, self._plan.owner
        role = aws.iam.Role(
            f"{name}-run-execution",
            name=names.service_role(owner, RUN_EXECUTION),
            path=names.run_path,
            description=f"Starts the runs in the Dagster of {owner}",
            assume_role_policy=render(run_trust(names), PolicyKind.TRUST),
            permissions_boundary=self._args.ground.roles.boundary_arn,
            opts=self._child,
        )
        aws.iam.RolePolicy(
            f"{name}-run-execution-grants",
            name="grants",
            role=role.name,
            policy=render(self._plan.run_execution_statements, PolicyKind.INLINE),
            opts=self._child,
        )
        policies = self._attach(RUN_EXECUTION, role.name, self._plan.run_log_statement)
        if clients := self._plan.run_client_statement:
            policies += self._attach(RUN_CLIENTS, role.name, clients)
        return role.arn, policies

    def _run_group(self) -> Output[str]:
        """The group of runs, which nobody may call: not the daemon, and no run another."""
        ground = self._args.ground
        network, endpoint = ground.network, ground.environment.token_endpoint
        tokens = [Flow("identity", HTTPS, cidr=str(endpoint.network))] if endpoint else []
        group = ServiceGroup(
            f"{self._name}-runs",
            ServiceGroupArgs(
                ground.names,
                ground.owner,
                ServiceKind.RUN,
                network.vpc_id,
                egress=[
                    Flow("endpoints", HTTPS, group_id=network.endpoints_group_id),
                    Flow("s3", HTTPS, prefix_list_id=network.s3_prefix_list_id),
                    Flow("catalog", HTTPS, group_id=ground.load_balancer.group_id),
                    Flow("database", PORT, group_id=ground.database.group_id),
                    *tokens,
                ],
            ),
            self._child,
        )
        return group.group_id

    def _services(self) -> tuple[str, ...]:
        """The three services; the ARNs of the policies that the daemon's role took."""
        name, plan, ground = self._name, self._plan, self._args.ground
        code = self._service(
            "code",
            plan.code_server,
            statements=plan.code_statements,
            registry_arn=self._discovery(),
            reason="holds the definitions of the platform's jobs; its role reads the registry, and"
            " may do nothing else",
        )
        calls = (Flow("code-server", CODE_SERVER_PORT, group_id=code.group_id),)
        webserver = self._service(
            "webserver",
            plan.webserver,
            statements=plan.webserver_statements,
            calls=calls,
            route=HostRoute(
                f"{name}-route",
                HostRouteArgs(
                    ground.load_balancer,
                    ground.names,
                    ground.owner,
                    ServiceKind.DAGSTER_WEBSERVER,
                    self._host,
                    WEBSERVER_PORT,
                    WEBSERVER_HEALTH_PATH,
                    ground.priorities[self._host],
                    ground.network.vpc_id,
                ),
                self._child,
            ),
            reason="shows how every tenant's runs fare; its role may do nothing",
        )
        daemon = self._service(
            "daemon",
            plan.daemon,
            statements=plan.daemon_statements,
            calls=calls,
            reason="starts every tenant's runs, each as the task that the platform fixed for its"
            " tenant in the registry; it reads no data",
        )
        for caller, service in (("webserver", webserver), ("daemon", daemon)):
            allow_from(
                f"{name}-code",
                code.group_id,
                Flow(caller, CODE_SERVER_PORT, group_id=service.group_id),
                self._child,
            )
        return self._attach(ServiceKind.DAGSTER_DAEMON, daemon.role_name, plan.start_statement)

    def _service(self, part: str, spec: TaskSpec, **args: Any) -> Service:  # noqa: ANN401 - ServiceArgs
        return Service(
            f"{self._name}-{part}",
            ServiceArgs(
                self._args.ground,
                spec,
                self._args.ground.roles,
                environment=self._environment,
                secret_arns={ServiceKind.DAGSTER: self._secret_arn},
                uses_database=True,
                **args,
            ),
            self._child,
        )

    def _discovery(self) -> Output[str]:
        """Where webserver and daemon find the code server by name."""
        namespace = aws.servicediscovery.PrivateDnsNamespace(
            f"{self._name}-names",
            name=self._plan.names.dagster_namespace,
            vpc=self._args.ground.network.vpc_id,
            opts=self._child,
        )
        registry = aws.servicediscovery.Service(
            f"{self._name}-registry",
            name=ServiceKind.DAGSTER_CODE,
            dns_config={
                "namespace_id": namespace.id,
                "dns_records": [{"type": "A", "ttl": DISCOVERY_TTL}],
            },
            opts=self._child,
        )
        arn: Output[str] = registry.arn
        return arn

    def _attach(self, kind: str, role: Input[str], statement: Statement) -> tuple[str, ...]:
        """Give the role what no one policy holds, in as many as it takes; their ARNs."""
        names, owner = self._plan.names, self._plan.owner
        pages = paged(statement, PolicyKind.MANAGED)
        for number, page in enumerate(pages, start=1):
            policy = aws.iam.Policy(
                f"{self._name}-{kind}-{number}",
                name=names.service_policy(owner, kind, number),
                path=names.service_path,
                description=f"{statement.sid} for {kind} of {owner}",
                policy=render([page], PolicyKind.MANAGED),
                opts=self._child,
            )
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{kind}-{number}-attached",
                role=role,
                policy_arn=policy.arn,
                opts=self._child,
            )
        return tuple(
            names.service_policy_arn(owner, kind, number) for number in range(1, len(pages) + 1)
        )


@dataclass(frozen=True)
class TenantDagsterArgs:
    """``runs``: what its Dagster starts them with. ``run_role_arn``: what they act with."""

    settings: TenantSettings
    ground: Ground
    runs: RunParts
    run_role_arn: Input[str]


class TenantDagster(pulumi.ComponentResource):
    """A tenant's pipelines: the one task definition of its runs, with its run role and log group,
    and the secret with their client at the identity provider.
    """

    def __init__(
        self, name: str, args: TenantDagsterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:TenantDagster", name, None, opts)
        settings, ground = args.settings, args.ground
        secrets: dict[str, Input[str]] = {ServiceKind.DAGSTER: args.runs.secret_arn}
        owns: tuple[str, ...] = ()
        if ground.environment.token_endpoint:
            owns = (settings.names.secret_arn(settings.id, ServiceKind.RUN),)
            secrets[ServiceKind.RUN] = self._client(name, settings)
        Task(
            f"{name}-run",
            TaskArgs(
                settings.names,
                run_task(settings, ground.environment),
                args.run_role_arn,
                args.runs.execution_role_arn,
                _database(ground),
                secrets,
            ),
            ResourceOptions(parent=self),
        )
        self.register_outputs(
            {
                "claims": Claims(tenant=settings.id, owns=owns).to_json(),
                "host": settings.pipelines.host,
                "log_group": settings.names.log_group(settings.id, ServiceKind.RUN),
            }
        )

    def _client(self, name: str, settings: TenantSettings) -> Output[str]:
        """The ARN of a secret without a value: the identity provider's administrators write it."""
        secret = aws.secretsmanager.Secret(
            f"{name}-client",
            name=settings.names.secret(settings.id, ServiceKind.RUN),
            description=f"The client of {settings.id}'s runs: JSON, client_id and client_secret",
            # What is lost with it is made anew at the provider, and its name is free at once.
            recovery_window_in_days=0,
            opts=ResourceOptions(parent=self, protect=True),
        )
        arn: Output[str] = secret.arn
        return arn


def _database(ground: Ground) -> dict[str, Input[str]]:
    """Where the Dagster of the ground has its database, for its services and runs."""
    return {
        DATABASE_HOST: ground.database.address,
        DATABASE_PORT: str(PORT),
        DATABASE_NAME: database_name(ground.owner, ServiceKind.DAGSTER),
    }
