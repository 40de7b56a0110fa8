"""What runs in a container, and what its roles may do: tasks and policies as data."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tenancy.grants import Statement
from tenancy.leaving import SUSPENDED
from tenancy.names import PLATFORM, SHARED, Names, RoleKind, ServiceKind
from tenancy.registry_fence import registry_arns, registry_statements

TASK_DEFINITION_LIMIT = 65_536
"""Largest task definition, in bytes (Amazon ECS Developer Guide, "Service quotas")."""

LOG_RETENTION_DAYS = 365
"""How long the log of a service is kept; what is an audit record is kept elsewhere."""

EXECUTION = "execution"
"""The kind of the role that ECS starts an owner's services with."""

_LOG_BUFFER = "4m"
_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+?)[:@].*"
)
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_READ_SECRET = ("secretsmanager:GetSecretValue",)
WRITE_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
"""What the start of a task does with its log group."""
# These have no resource to name (Service Authorization Reference of each service).
_UNBOUND = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "kms:ListAliases",
    "secretsmanager:GetRandomPassword",
)


_BOUNDED_SERVICES = (
    "s3:*",
    "kms:*",
    "secretsmanager:*",
    "logs:*",
    "sns:*",
    "sqs:*",
    "ec2:*",
    "ecr:*",
    "ecs:*",
    "iam:PassRole",
)


class TaskTooLargeError(ValueError):
    """A task definition is over the limit of ECS."""


@dataclass(frozen=True)
class SecretKey:
    """One value in a secret: the secret's kind (``Names.secret``) and the key in its JSON."""

    kind: str
    key: str


@dataclass(frozen=True)
class TaskSpec:
    """One container, decided. ``cpu`` in units of 1/1024 vCPU and ``memory`` in MiB, a pair that
    Fargate has (Amazon ECS Developer Guide, "Task size").

    ``secrets``: environment variable -> where its value lies. ``health_command`` ends with 0 in
    the container while it is healthy; empty where only the load balancer asks.
    """

    owner: str
    kind: str
    image: str
    cpu: int
    memory: int
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretKey] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    health_command: tuple[str, ...] = ()
    start_seconds: int = 60
    read_only: bool = True


def container_definitions(
    spec: TaskSpec,
    names: Names,
    environment: Mapping[str, str],
    secret_arns: Mapping[str, str],
) -> str:
    """The container of the task, as the JSON text that ECS takes.

    ``environment`` is added to the task's own: what only a deployment knows. ``secret_arns``:
    kind -> whole ARN of the secret.

    Raises:
        TaskTooLargeError: ECS would refuse it for its size.
    """
    container: dict[str, object] = {
        "name": spec.kind,
        "image": spec.image,
        "essential": True,
        "readonlyRootFilesystem": spec.read_only,
        "privileged": False,
        "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
        "environment": [
            {"name": name, "value": value}
            for name, value in sorted({**spec.environment, **environment}.items())
        ],
        "secrets": [
            # Secrets Manager: <secret ARN>:<key in its JSON>:<version stage>:<version id>.
            {"name": name, "valueFrom": f"{secret_arns[secret.kind]}:{secret.key}::"}
            for name, secret in sorted(spec.secrets.items())
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": names.log_group(spec.owner, spec.kind),
                "awslogs-region": names.region,
                "awslogs-stream-prefix": spec.kind,
                # A service never waits for its log.
                "mode": "non-blocking",
                "max-buffer-size": _LOG_BUFFER,
            },
        },
    }
    if spec.port is not None:
        container["portMappings"] = [{"containerPort": spec.port, "protocol": "tcp"}]
    if spec.command:
        container["command"] = list(spec.command)
    if spec.health_command:
        container["healthCheck"] = {
            "command": ["CMD", *spec.health_command],
            "interval": 30,
            "timeout": 5,
            "retries": 3,
            "startPeriod": spec.start_seconds,
        }
    text = json.dumps([container], separators=(",", ":"))
    if len(text.encode()) > TASK_DEFINITION_LIMIT:
        msg = (
            f"the task {spec.kind} of {spec.owner} is described in {len(text.encode())} bytes and"
            f" ECS takes {TASK_DEFINITION_LIMIT}; describe less in its environment"
        )
        raise TaskTooLargeError(msg)
    return text


def execution_statements(names: Names, owner: str, images: Sequence[str]) -> tuple[Statement, ...]:
    """What ECS does to start the owner's tasks: pull the images, read the secrets, open the log."""
    return (
        Statement(
            "Secrets", "Allow", ("secretsmanager:GetSecretValue",), (names.secrets_arn(owner),)
        ),
        Statement("Logs", "Allow", WRITE_LOGS, (names.log_groups_arn(owner),)),
        *pull_statements(names, images),
    )


def pull_statements(names: Names, images: Sequence[str]) -> tuple[Statement, ...]:
    """The pull of those of ``images`` that lie in ECR; others need no right."""
    repositories = tuple(sorted({arn for image in images if (arn := _repository(names, image))}))
    if not repositories:
        return ()
    return (
        Statement("Pull", "Allow", _PULL, repositories),
        Statement("Registry", "Allow", ("ecr:GetAuthorizationToken",), ("*",)),
    )


def service_boundary_statements(
    names: Names, owner: str, account_owner: str, *, suspended: bool = False
) -> tuple[Statement, ...]:
    """The most that a service of ``owner`` may ever do, in the account of ``account_owner``.

    ``suspended``: the owner is a tenant for whom nobody acts any more.

    A tenant's reaches what is the tenant's by name; who has the account reads its registry too.
    The platform's reaches what tenants share,
    starts every tenant's runs, tells every tenant's queues, and writes the passwords of all users
    of its database. As in a tenant's boundary, denials are explicit: a resource policy that names a
    session is limited by a Deny only.
    """
    if suspended:
        return SUSPENDED
    storage, secrets = _storage(names, owner), _secrets(names, owner, account_owner)
    if owner == PLATFORM:
        runs, run_roles = names.any_task_definition_arn, [names.any_run_role_arn]
        logs = names.any_log_group_arn
        messages = (names.any_topic_arn, names.any_queue_arn)
    else:
        runs = names.task_definitions_arn(owner, ServiceKind.RUN)
        run_roles = [names.role_arn(owner, RoleKind.RUN), names.run_execution_role_arn(owner)]
        messages = (names.topic_arn(owner, "*"), names.queue_arn(owner, "*"))
        logs = names.log_groups_arn(owner)
    registry = registry_arns(names, owner) if owner == account_owner else ()
    return (
        *(registry_statements(names, owner) if registry else ()),
        Statement(
            "Storage",
            "Allow",
            ("s3:*",),
            storage,
            {"StringEquals": {"s3:ResourceAccount": names.account_id}},
        ),
        Statement(
            "Keys",
            "Allow",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            (names.any_key_arn,),
            {
                "ForAnyValue:StringLike": {
                    "kms:ResourceAliases": (names.key_alias(SHARED), names.key_aliases(owner))
                }
            },
        ),
        Statement("Secrets", "Allow", ("secretsmanager:*",), secrets),
        Statement("Logs", "Allow", WRITE_LOGS, (logs,)),
        Statement(
            "Messages",
            "Allow",
            ("sns:Publish", "sqs:*"),
            messages,
        ),
        Statement("Pull", "Allow", _PULL, (f"arn:{names.partition}:ecr:*",)),
        Statement("Unbound", "Allow", _UNBOUND, ("*",)),
        Statement("Runs", "Allow", ("ecs:RunTask",), (runs,)),
        Statement(
            "RunningTasks",
            "Allow",
            ("ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask"),
            ("*",),
            {"ArnEquals": {"ecs:cluster": names.cluster_arn(owner)}},
        ),
        # This action knows no ecs:cluster (Service Authorization Reference, Amazon ECS).
        Statement(
            "TagNewTasks",
            "Allow",
            ("ecs:TagResource",),
            (names.tasks_arn(owner),),
            {"StringEquals": {"ecs:CreateAction": "RunTask"}},
        ),
        Statement(
            "PassRuns",
            "Allow",
            ("iam:PassRole",),
            tuple(run_roles),
            {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        Statement("DenyForeignStorage", "Deny", ("s3:*",), not_resources=(*storage, *registry)),
        Statement(
            "DenyForeignSecrets",
            "Deny",
            ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
            not_resources=secrets,
        ),
        Statement("DenyControlPlane", "Deny", not_actions=_BOUNDED_SERVICES, resources=("*",)),
    )


def metric_dimensions(target_group_arn: str, listener_arn: str) -> dict[str, str]:
    """How CloudWatch names a target group and its load balancer (Application Load Balancers,
    "Metric dimensions"): the last parts of their ARNs. A listener's ARN holds its load balancer's.
    """
    listener = listener_arn.rsplit(":", 1)[-1].removeprefix("listener/")
    return {
        "TargetGroup": target_group_arn.rsplit(":", 1)[-1],
        "LoadBalancer": listener.rsplit("/", 1)[0],
    }


def _storage(names: Names, owner: str) -> tuple[str, ...]:
    """The buckets, prefixes and audit bucket that services of ``owner`` have to do with."""
    shared, audit = names.bucket(SHARED), names.audit_bucket(owner)
    audited = (names.bucket_arn(audit), names.objects_arn(audit))
    if owner == PLATFORM:
        return (names.bucket_arn(shared), names.objects_arn(shared), *audited)
    own = names.bucket(owner)
    return (
        names.objects_arn(shared, f"{owner}/"),
        names.bucket_arn(own),
        names.objects_arn(own, f"{owner}/"),
        *audited,
    )


def _secrets(names: Names, owner: str, account_owner: str) -> tuple[str, ...]:
    own = names.any_secret_arn if owner == PLATFORM else names.secrets_arn(owner)
    return (own, names.master_secrets_arn) if owner == account_owner else (own,)


def _repository(names: Names, image: str) -> str | None:
    """The ARN of the image's repository in ECR; None for an image that lies elsewhere."""
    parts = _ECR_IMAGE.fullmatch(image)
    if parts is None:
        return None
    place = f"{parts['region']}:{parts['account']}"
    return f"arn:{names.partition}:ecr:{place}:repository/{parts['repository']}"
