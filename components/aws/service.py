"""A service on Fargate: its roles, task definition, security group and alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.aws.ground import Ground
from components.aws.network import HTTPS
from components.aws.parts import RoleParts
from components.aws.security_group import Flow, ServiceGroup, ServiceGroupArgs
from tenancy.claims import Claims
from tenancy.database import PORT
from tenancy.grants import PolicyKind, Statement, render
from tenancy.names import PLATFORM, Names
from tenancy.services import (
    EXECUTION,
    LOG_RETENTION_DAYS,
    TaskSpec,
    container_definitions,
    execution_statements,
    metric_dimensions,
    service_boundary_statements,
)
from tenancy.trust import run_trust

if TYPE_CHECKING:
    from components.aws.load_balancer import HostRoute

ERRORS_ALLOWED = 10
"""Answers of 5xx in five minutes, above which someone is told."""


@dataclass(frozen=True)
class ServiceRolesArgs:
    """``account_owner``: ``PLATFORM``, or the tenant whose account it is. ``images``: all that the
    owner's services are started from. ``suspended``: nobody acts for the owner, a tenant.
    """

    names: Names
    owner: str
    account_owner: str
    images: Sequence[str]
    suspended: bool = False


class ServiceRoles(pulumi.ComponentResource):
    """What all services of one owner have in common: a boundary, and the role that starts them."""

    parts: RoleParts

    def __init__(
        self, name: str, args: ServiceRolesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:ServiceRoles", name, None, opts)
        names, owner = args.names, args.owner
        limits = service_boundary_statements(
            names, owner, args.account_owner, suspended=args.suspended
        )
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            name=names.service_boundary(owner),
            path=names.boundary_path,
            description=f"The most that a service of {owner} may ever do",
            policy=render(limits, PolicyKind.MANAGED),
            opts=ResourceOptions(parent=self),
        )
        role = aws.iam.Role(
            f"{name}-execution",
            name=names.service_role(owner, EXECUTION),
            path=names.service_path,
            description=f"Starts the services of {owner}",
            assume_role_policy=render(run_trust(names), PolicyKind.TRUST),
            permissions_boundary=boundary.arn,
            opts=ResourceOptions(parent=self),
        )
        aws.iam.RolePolicy(
            f"{name}-execution-grants",
            name="grants",
            role=role.name,
            policy=render(execution_statements(names, owner, args.images), PolicyKind.INLINE),
            opts=ResourceOptions(parent=self),
        )
        self.parts = RoleParts(boundary_arn=boundary.arn, execution_role_arn=role.arn)
        execution = names.service_role_arn(owner, EXECUTION)
        owns = (execution, names.service_boundary_arn(owner))
        reason = "starts the platform's services: it reads the secrets of the platform's own"
        claims = claims_of(owner, owns, (execution,), reason)
        self.register_outputs({"claims": claims.to_json()})


@dataclass(frozen=True)
class TaskArgs:
    """``environment``: what only a deployment knows, beside the spec's own. ``secret_arns``: kind
    of a secret in the spec -> its ARN.
    """

    names: Names
    spec: TaskSpec
    task_role_arn: Input[str]
    execution_role_arn: Input[str]
    environment: Mapping[str, Input[str]] = field(default_factory=dict)
    secret_arns: Mapping[str, Input[str]] = field(default_factory=dict)


class Task(pulumi.ComponentResource):
    """A task definition of one container, and the log group that it writes to."""

    arn: Output[str]

    def __init__(self, name: str, args: TaskArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Task", name, None, opts)
        spec, names = args.spec, args.names
        log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=names.log_group(spec.owner, spec.kind),
            retention_in_days=LOG_RETENTION_DAYS,
            opts=ResourceOptions(parent=self),
        )
        known = Output.all(dict(args.environment), dict(args.secret_arns))
        definition = aws.ecs.TaskDefinition(
            f"{name}-definition",
            family=names.task_family(spec.owner, spec.kind),
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(spec.cpu),
            memory=str(spec.memory),
            task_role_arn=args.task_role_arn,
            execution_role_arn=args.execution_role_arn,
            container_definitions=known.apply(
                lambda given: container_definitions(spec, names, given[0], given[1])
            ),
            runtime_platform={"operating_system_family": "LINUX", "cpu_architecture": "X86_64"},
            opts=ResourceOptions(parent=self, depends_on=[log]),
        )
        self.arn = definition.arn
        owns = (
            names.task_definitions_arn(spec.owner, spec.kind),
            names.log_group_arn(spec.owner, spec.kind),
        )
        claims = claims_of(spec.owner, owns, (), "the definition and log of a platform's task")
        self.register_outputs({"claims": claims.to_json()})


@dataclass(frozen=True)
class ServiceArgs:
    """``statements``: what the service's role may do. ``callers``: word -> group that may call
    its port; ``calls``: what it may call itself. The load balancer, AWS's endpoints and, with
    ``uses_database``, the database need not be named. ``route``: where the load balancer has it.
    ``reason``: why the role of a platform's service reaches what it reaches.
    """

    ground: Ground
    spec: TaskSpec
    roles: RoleParts
    statements: Sequence[Statement] = ()
    environment: Mapping[str, Input[str]] = field(default_factory=dict)
    secret_arns: Mapping[str, Input[str]] = field(default_factory=dict)
    uses_database: bool = False
    route: HostRoute | None = None
    callers: Mapping[str, Input[str]] = field(default_factory=dict)
    calls: Sequence[Flow] = ()
    registry_arn: Input[str] | None = None
    reason: str = ""


class Service(pulumi.ComponentResource):
    """One task that always runs, with a role and a security group of its own.

    ``role_name``: for grants that need policies of their own.
    """

    group_id: Output[str]
    role_name: Output[str]

    def __init__(self, name: str, args: ServiceArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Service", name, None, opts)
        self._name, self._args, self._child = name, args, ResourceOptions(parent=self)
        names, spec = args.ground.names, args.spec
        role = self._role()
        self.role_name = role.name
        self.group_id = self._group()
        task = Task(
            name,
            TaskArgs(
                names,
                spec,
                role.arn,
                args.roles.execution_role_arn,
                args.environment,
                args.secret_arns,
            ),
            self._child,
        )
        self._service(task)
        self._alarms()
        role_arn = names.service_role_arn(spec.owner, spec.kind)
        owns = (role_arn, names.service_arn(args.ground.owner, spec.owner, spec.kind))
        claims = claims_of(spec.owner, owns, (role_arn,), args.reason)
        self.register_outputs({"claims": claims.to_json()})

    def _role(self) -> aws.iam.Role:
        name, args = self._name, self._args
        names, spec = args.ground.names, args.spec
        role = aws.iam.Role(
            f"{name}-role",
            name=names.service_role(spec.owner, spec.kind),
            path=names.service_path,
            description=f"{spec.kind} of {spec.owner}",
            assume_role_policy=render(run_trust(names), PolicyKind.TRUST),
            permissions_boundary=args.roles.boundary_arn,
            opts=self._child,
        )
        if args.statements:
            aws.iam.RolePolicy(
                f"{name}-grants",
                name="grants",
                role=role.name,
                policy=render(args.statements, PolicyKind.INLINE),
                opts=self._child,
            )
        return role

    def _group(self) -> Output[str]:
        args = self._args
        ground, spec = args.ground, args.spec
        callers = dict(args.callers)
        if args.route is not None:
            callers["load-balancer"] = ground.load_balancer.group_id
        if callers and spec.port is None:
            raise ValueError(f"{spec.kind} of {spec.owner} has callers and no port")
        outward = [
            Flow("endpoints", HTTPS, group_id=ground.network.endpoints_group_id),
            Flow("s3", HTTPS, prefix_list_id=ground.network.s3_prefix_list_id),
            *args.calls,
        ]
        if args.uses_database:
            outward.append(Flow("database", PORT, group_id=ground.database.group_id))
        group = ServiceGroup(
            self._name,
            ServiceGroupArgs(
                ground.names,
                spec.owner,
                spec.kind,
                ground.network.vpc_id,
                ingress=[
                    Flow(caller, spec.port or 0, group_id=group_id)
                    for caller, group_id in callers.items()
                ],
                egress=outward,
            ),
            self._child,
        )
        return group.group_id

    def _service(self, task: Task) -> None:
        args = self._args
        ground, spec = args.ground, args.spec
        balancing: list[dict[str, Input[str] | int]] = []
        if args.route is not None and spec.port is not None:
            balancing.append(
                {
                    "target_group_arn": args.route.target_group_arn,
                    "container_name": spec.kind,
                    "container_port": spec.port,
                }
            )
        aws.ecs.Service(
            f"{self._name}-service",
            name=ground.names.task_family(spec.owner, spec.kind),
            cluster=ground.cluster_arn,
            task_definition=task.arn,
            desired_count=1,
            launch_type="FARGATE",
            network_configuration={
                "subnets": ground.network.subnet_ids,
                "security_groups": [self.group_id],
                "assign_public_ip": False,
            },
            load_balancers=balancing or None,
            health_check_grace_period_seconds=spec.start_seconds if balancing else None,
            service_registries={"registry_arn": args.registry_arn} if args.registry_arn else None,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            enable_execute_command=False,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            opts=self._child,
        )

    def _alarms(self) -> None:
        args = self._args
        ground, spec = args.ground, args.spec
        service = {
            "ClusterName": ground.names.cluster(ground.owner),
            "ServiceName": ground.names.task_family(spec.owner, spec.kind),
        }
        # Missing data is an alarm too: where no task runs, Container Insights sends nothing.
        self._alarm(
            "stopped",
            "ECS/ContainerInsights",
            "RunningTaskCount",
            service,
            statistic="Minimum",
            comparison="LessThanThreshold",
            threshold=1,
            missing="breaching",
        )
        if args.route is None:
            return
        behind = Output.all(args.route.target_group_arn, ground.load_balancer.listener_arn).apply(
            lambda arns: metric_dimensions(arns[0], arns[1])
        )
        self._alarm(
            "unhealthy",
            "AWS/ApplicationELB",
            "UnHealthyHostCount",
            behind,
            statistic="Maximum",
            comparison="GreaterThanThreshold",
            threshold=0,
            missing="notBreaching",
        )
        self._alarm(
            "errors",
            "AWS/ApplicationELB",
            "HTTPCode_Target_5XX_Count",
            behind,
            statistic="Sum",
            comparison="GreaterThanThreshold",
            threshold=ERRORS_ALLOWED,
            missing="notBreaching",
        )

    def _alarm(  # noqa: PLR0913 - an alarm is all of these
        self,
        what: str,
        namespace: str,
        metric: str,
        dimensions: Input[Mapping[str, str]],
        *,
        statistic: str,
        comparison: str,
        threshold: int,
        missing: str,
    ) -> None:
        spec, ground = self._args.spec, self._args.ground
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{what}",
            name=ground.names.alarm(spec.owner, spec.kind, what),
            alarm_description=f"{spec.kind} of {spec.owner}: {what}",
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            statistic=statistic,
            period=300,
            evaluation_periods=1,
            threshold=threshold,
            comparison_operator=comparison,
            treat_missing_data=missing,
            alarm_actions=[ground.alerts_topic_arn],
            opts=self._child,
        )


def claims_of(
    owner: str, owns: tuple[str, ...], principals: tuple[str, ...], reason: str
) -> Claims:
    """What ``owner`` owns and who acts for it: a tenant, or the platform with its reason."""
    if owner == PLATFORM:
        return Claims(tenant=None, owns=owns, principals=principals, reason=reason)
    return Claims(tenant=owner, owns=owns, principals=principals)
