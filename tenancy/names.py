"""Every name and ARN, computed from project, environment, account, region and tenant id.

Nothing is auto-named where a policy refers to it, so all policy documents are known at preview.
A tenant id in a name is always followed by a delimiter that no id can contain (``/`` in keys,
``--`` in buckets and roles, ``__`` in Glue), so no tenant's pattern matches another's names.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

PREFIX_LIMIT = 22
"""Longest name prefix, in characters: a bucket name has at most 63 (S3 User Guide, "Bucket naming
rules"), and ``--``, a 20-character id, ``--``, the 12-digit account and ``-data`` take 41."""

REGISTRY_PREFIX = "tenants/"
"""Where in a registry the entries are."""

SHARED = "shared"
PLATFORM = "platform"


class RoleKind(StrEnum):
    """The roles of one tenant: three for people and their tools, one for pipeline runs."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"
    RUN = "run"


class ServiceKind(StrEnum):
    """What runs for a tenant or for the platform: a service, a function or a task."""

    NESSIE = "nessie"
    GATEWAY = "gateway"
    DAGSTER = "dagster"
    DAGSTER_WEBSERVER = "dagster-webserver"
    DAGSTER_DAEMON = "dagster-daemon"
    DAGSTER_CODE = "dagster-code"
    RUN = "run"
    DATABASE_USERS = "database-users"
    AUDIT_ROUTER = "audit-router"


def shortened(name: str, limit: int) -> str:
    """``name``, if need be cut to ``limit`` characters, a stable hash of the whole at its end."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9].rstrip('-')}-{digest}"


_CHINA = "aws-cn"
_OF_CHINA = frozenset({"ecr.api", "ecr.dkr"})
"""Endpoint services that have names of their own in China, of those that the program asks for (as
``aws ec2 describe-vpc-endpoint-services`` lists them there)."""


def partition(region: str) -> str:
    """The AWS partition of a region: government and China have one of their own."""
    return {"us-gov": "aws-us-gov", "cn": _CHINA}.get(region.rsplit("-", 2)[0], "aws")


def snake(name: str) -> str:
    """``name`` as Glue and BigQuery accept it; reversible, since no id contains ``_``."""
    return name.replace("-", "_")


@dataclass(frozen=True)
class Names:
    """The names of one environment in one account and region.

    ``owner`` parameters are a tenant id, or ``SHARED`` or ``PLATFORM``, which no tenant may be
    called.
    """

    project: str
    environment: str
    account_id: str
    region: str

    @property
    def partition(self) -> str:
        """The AWS partition of the region."""
        return partition(self.region)

    @property
    def prefix(self) -> str:
        """What every name of the environment starts with."""
        return shortened(f"{self.project}-{self.environment}", PREFIX_LIMIT)

    # --- storage

    def bucket(self, owner: str) -> str:
        """A data bucket; the account id makes the global name hard to squat."""
        return f"{self.prefix}--{owner}--{self.account_id}-data"

    def key_alias(self, owner: str) -> str:
        """The alias of the KMS key of ``bucket(owner)``."""
        return f"alias/{self.prefix}--{owner}--data"

    def key_aliases(self, owner: str) -> str:
        """All aliases of keys of ``owner``, as a pattern."""
        return f"alias/{self.prefix}--{owner}--*"

    # --- identity

    def role(self, owner: str, kind: RoleKind) -> str:
        """An IAM role's name, at most 64 characters."""
        return f"{self.prefix}--{owner}--{kind}"

    def role_path(self, owner: str, kind: RoleKind) -> str:
        """The path a role lives under: what may be passed to a task is told by path alone."""
        if kind is RoleKind.RUN:
            return self.run_path
        return f"/{self.prefix}/{PLATFORM if owner == PLATFORM else 'tenant'}/"

    def role_arn(self, owner: str, kind: RoleKind) -> str:
        """The role's ARN, path included."""
        return self._iam(f"role{self.role_path(owner, kind)}{self.role(owner, kind)}")

    def boundary(self, owner: str) -> str:
        """The name of the managed policy that bounds all roles of ``owner``."""
        return f"{self.prefix}--{owner}--boundary"

    @property
    def boundary_path(self) -> str:
        """The path of all boundaries."""
        return f"/{self.prefix}/boundary/"

    def boundary_arn(self, owner: str) -> str:
        """The ARN of ``boundary(owner)``."""
        return self._iam(f"policy{self.boundary_path}{self.boundary(owner)}")

    def oidc_provider_arn(self, provider: str) -> str:
        """The ARN of an identity provider, given as host and path."""
        return self._iam(f"oidc-provider/{provider}")

    # --- services

    def service_role(self, owner: str, kind: str) -> str:
        """The name of the role that a service acts with."""
        return f"{self.prefix}--{owner}--{kind}"

    @property
    def service_path(self) -> str:
        """The path of the roles of services; those of runs lie under the run path."""
        return f"/{self.prefix}/service/"

    @property
    def run_path(self) -> str:
        """The path of all that a run acts with: what a Dagster daemon may pass, and only that."""
        return f"/{self.prefix}/run/"

    def service_role_arn(self, owner: str, kind: str) -> str:
        """The ARN of ``service_role``."""
        return self._iam(f"role{self.service_path}{self.service_role(owner, kind)}")

    def run_execution_role_arn(self, owner: str) -> str:
        """The role that ECS starts the owner's runs with: it pulls the image, reads the secret."""
        return self._iam(f"role{self.run_path}{self.service_role(owner, 'run-execution')}")

    def service_boundary(self, owner: str) -> str:
        """The name of the managed policy that bounds the roles of the owner's services."""
        return f"{self.prefix}--{owner}--services"

    def service_boundary_arn(self, owner: str) -> str:
        """The ARN of ``service_boundary``."""
        return self._iam(f"policy{self.boundary_path}{self.service_boundary(owner)}")

    def cluster(self, owner: str) -> str:
        """An ECS cluster."""
        return f"{self.prefix}--{owner}"

    def cluster_arn(self, owner: str) -> str:
        """The ARN of ``cluster``."""
        return self._regional("ecs", f"cluster/{self.cluster(owner)}")

    def task_family(self, owner: str, kind: str) -> str:
        """The family of a task definition; also the name of an ECS service, or of a function."""
        return f"{self.prefix}--{owner}--{kind}"

    def task_definitions_arn(self, owner: str, kind: str) -> str:
        """All revisions of the family, as an ARN pattern."""
        return self._regional("ecs", f"task-definition/{self.task_family(owner, kind)}:*")

    @property
    def any_task_definition_arn(self) -> str:
        """All task definitions of the environment, as an ARN pattern."""
        return self._regional("ecs", f"task-definition/{self.prefix}--*")

    @property
    def any_run_role_arn(self) -> str:
        """All that lies under the run path, as an ARN pattern."""
        return self._iam(f"role{self.run_path}*")

    def tasks_arn(self, owner: str) -> str:
        """All tasks in the owner's cluster, as an ARN pattern."""
        return self._regional("ecs", f"task/{self.cluster(owner)}/*")

    def function_arn(self, owner: str, kind: str) -> str:
        """A Lambda function, named as a task family is."""
        return self._regional("lambda", f"function:{self.task_family(owner, kind)}")

    def log_group(self, owner: str, kind: str) -> str:
        """A CloudWatch log group."""
        return f"/{self.prefix}/{owner}/{kind}"

    def log_group_arn(self, owner: str, kind: str) -> str:
        """The ARN of ``log_group``; that of its streams adds ``:*``."""
        return self._regional("logs", f"log-group:{self.log_group(owner, kind)}")

    def secret(self, owner: str, kind: str) -> str:
        """A secret in Secrets Manager."""
        return f"{self.prefix}/{owner}/{kind}"

    def secret_arn(self, owner: str, kind: str) -> str:
        """The secret's ARN as a pattern: it ends with ``-`` and six characters of AWS's choice
        (Secrets Manager User Guide, "Secret ARN").
        """
        return self._regional("secretsmanager", f"secret:{self.secret(owner, kind)}-??????")

    @property
    def any_secret_arn(self) -> str:
        """All secrets of the environment, as an ARN pattern."""
        return self._regional("secretsmanager", f"secret:{self.prefix}/*")

    @property
    def master_secrets_arn(self) -> str:
        """The secrets that RDS makes for master users (RDS User Guide, "Password management")."""
        return self._regional("secretsmanager", "secret:rds!db-*")

    def secrets_arn(self, owner: str) -> str:
        """All secrets of ``owner``, as an ARN pattern."""
        return self._regional("secretsmanager", f"secret:{self.secret(owner, '*')}")

    @property
    def any_log_group_arn(self) -> str:
        """All log groups of the environment and their streams, as an ARN pattern."""
        return self._regional("logs", f"log-group:/{self.prefix}/*")

    def log_groups_arn(self, owner: str) -> str:
        """All log groups of ``owner`` and their streams, as an ARN pattern."""
        return self._regional("logs", f"log-group:{self.log_group(owner, '*')}")

    def service_policy(self, owner: str, kind: str, number: int) -> str:
        """One of the managed policies of ``service_role``, where one policy cannot hold it all."""
        return f"{self.service_role(owner, kind)}--{number}"

    def service_policy_arn(self, owner: str, kind: str, number: int) -> str:
        """The ARN of ``service_policy``."""
        return self._iam(f"policy{self.service_path}{self.service_policy(owner, kind, number)}")

    def service_arn(self, cluster_owner: str, owner: str, kind: str) -> str:
        """An ECS service, named as its task family is, in the cluster of ``cluster_owner``."""
        service = f"{self.cluster(cluster_owner)}/{self.task_family(owner, kind)}"
        return self._regional("ecs", f"service/{service}")

    @property
    def discovery_namespace(self) -> str:
        """The private DNS zone in which services of the platform find one another."""
        return f"{self.prefix}.internal"

    def discovery_host(self, kind: str) -> str:
        """The host name of a service in ``discovery_namespace``."""
        return f"{kind}.{self.discovery_namespace}"

    @property
    def dagster_namespace(self) -> str:
        """The private DNS zone of the parts of the network's one Dagster."""
        return f"{ServiceKind.DAGSTER}.{self.discovery_namespace}"

    @property
    def code_server_host(self) -> str:
        """The host name of Dagster's code server."""
        return f"{ServiceKind.DAGSTER_CODE}.{self.dagster_namespace}"

    def alarm(self, owner: str, kind: str, what: str) -> str:
        """A CloudWatch alarm on a service."""
        return f"{self.prefix}--{owner}--{kind}--{what}"

    def alarm_arn(self, owner: str, kind: str, what: str) -> str:
        """The ARN of ``alarm``."""
        return self._regional("cloudwatch", f"alarm:{self.alarm(owner, kind, what)}")

    def database_instance(self, owner: str) -> str:
        """An RDS instance: no two hyphens in a row (RDS User Guide, "DB instance identifier")."""
        return f"{self.prefix}-{owner}-db"

    def database_instance_arn(self, owner: str) -> str:
        """The ARN of ``database_instance``."""
        return self._regional("rds", f"db:{self.database_instance(owner)}")

    def database_users_boundary(self, owner: str) -> str:
        """The name of the managed policy that bounds what makes the database's users."""
        return f"{self.prefix}--{owner}--{ServiceKind.DATABASE_USERS}"

    def database_users_boundary_arn(self, owner: str) -> str:
        """The ARN of ``database_users_boundary``."""
        return self._iam(f"policy{self.boundary_path}{self.database_users_boundary(owner)}")

    def load_balancer(self, owner: str) -> str:
        """A load balancer: at most 32 characters (Elastic Load Balancing, CreateLoadBalancer)."""
        return shortened(f"{self.prefix}-{owner}", 32)

    def target_group(self, owner: str, kind: str) -> str:
        """A target group: at most 32 characters, as a load balancer."""
        return shortened(f"{owner}-{kind}-{self.prefix}", 32)

    def load_balancer_arn(self, owner: str) -> str:
        """The load balancer, as an ARN pattern: AWS ends it with an id."""
        return self._balancing(f"loadbalancer/app/{self.load_balancer(owner)}/*")

    def target_group_arn(self, owner: str, kind: str) -> str:
        """The target group, as an ARN pattern: AWS ends it with an id."""
        return self._balancing(f"targetgroup/{self.target_group(owner, kind)}/*")

    # --- network

    def security_group(self, owner: str, kind: str) -> str:
        """A security group of the owner's network."""
        return f"{self.prefix}--{owner}--{kind}"

    def endpoint_service(self, service: str) -> str:
        """The name that a VPC endpoint of an AWS service is asked for by."""
        head = "cn." if self.partition == _CHINA and service in _OF_CHINA else ""
        return f"{head}com.amazonaws.{self.region}.{service}"

    # --- services

    def via(self, service: str) -> str | tuple[str, ...]:
        """What ``kms:ViaService`` says where a service calls. Which of two domains it says in China
        is documented nowhere; neither names another service.
        """
        name = f"{service}.{self.region}.amazonaws.com"
        return (name, f"{name}.cn") if self.partition == _CHINA else name

    @property
    def logs_principal(self) -> str:
        """CloudWatch Logs, as what calls a function that is subscribed to a log group."""
        if self.partition == _CHINA:
            return f"logs.{self.region}.amazonaws.com.cn"
        return "logs.amazonaws.com"

    def flow_logs_boundary(self, owner: str) -> str:
        """The name of the managed policy that bounds the role of the owner's flow logs."""
        return f"{self.prefix}--{owner}--flow-logs"

    def flow_logs_boundary_arn(self, owner: str) -> str:
        """The ARN of ``flow_logs_boundary``."""
        return self._iam(f"policy{self.boundary_path}{self.flow_logs_boundary(owner)}")

    # --- organization

    def account_name(self, tenant: str) -> str:
        """The name of an account that is vended: at most 50 characters (AWS Organizations API,
        CreateAccount).
        """
        return f"{self.prefix}--{tenant}"

    @property
    def organizational_unit(self) -> str:
        """The organizational unit of the environment's vended accounts, and its policy."""
        return f"{self.prefix}--tenants"

    # --- registry

    def registry_bucket(self, owner: str) -> str:
        """The bucket of ``tenancy.registry``, of the platform or of a hard tenant's account."""
        return f"{self.prefix}--{owner}--{self.account_id}-regs"

    def registry_key_alias(self, owner: str) -> str:
        """The alias of the KMS key of ``registry_bucket(owner)``."""
        return f"alias/{self.prefix}--{owner}--registry"

    def registry_key_alias_arn(self, owner: str) -> str:
        """The ARN of ``registry_key_alias``."""
        return self._regional("kms", self.registry_key_alias(owner))

    def registry_url(self, owner: str) -> str:
        """Where the entries are, as services are told."""
        return f"s3://{self.registry_bucket(owner)}/{REGISTRY_PREFIX}"

    # --- audit

    def audit_bucket(self, owner: str) -> str:
        """The bucket of trails and of routed audit records."""
        return f"{self.prefix}--{owner}--{self.account_id}-logs"

    def audit_key_alias(self, owner: str) -> str:
        """The alias of the KMS key of ``audit_bucket(owner)``."""
        return f"alias/{self.prefix}--{owner}--logs"

    def audit_key_alias_arn(self, owner: str) -> str:
        """The ARN of ``audit_key_alias``."""
        return self._regional("kms", self.audit_key_alias(owner))

    def auditor_role_arn(self, tenant: str) -> str:
        """The role that reads a tenant's audit records, beside the tenant's other roles."""
        path = self.role_path(tenant, RoleKind.READER)
        return self._iam(f"role{path}{self.service_role(tenant, 'auditor')}")

    def audit_boundary(self, owner: str) -> str:
        """The name of the managed policy that bounds those who write the audit."""
        return f"{self.prefix}--{owner}--audit-boundary"

    def audit_boundary_arn(self, owner: str) -> str:
        """The ARN of ``audit_boundary``."""
        return self._iam(f"policy{self.boundary_path}{self.audit_boundary(owner)}")

    def auditor_boundary(self, tenant: str) -> str:
        """The name of the managed policy that bounds the auditor role."""
        return f"{self.prefix}--{tenant}--auditor-boundary"

    def auditor_boundary_arn(self, tenant: str) -> str:
        """The ARN of ``auditor_boundary``."""
        return self._iam(f"policy{self.boundary_path}{self.auditor_boundary(tenant)}")

    def trail(self, owner: str) -> str:
        """A CloudTrail trail. Its name has no two hyphens in a row (CloudTrail User Guide, "Naming
        requirements"), and neither the prefix nor an owner has a period.
        """
        return f"{self.prefix}.{owner}"

    def trail_arn(self, owner: str) -> str:
        """The ARN of ``trail``."""
        return self._regional("cloudtrail", f"trail/{self.trail(owner)}")

    def topic(self, owner: str, kind: str) -> str:
        """An SNS topic or SQS queue."""
        return f"{self.prefix}--{owner}--{kind}"

    def topic_arn(self, owner: str, kind: str) -> str:
        """The ARN of an SNS topic."""
        return self._regional("sns", self.topic(owner, kind))

    def queue_arn(self, owner: str, kind: str) -> str:
        """The ARN of an SQS queue."""
        return self._regional("sqs", self.topic(owner, kind))

    @property
    def any_topic_arn(self) -> str:
        """All SNS topics of the environment, as an ARN pattern."""
        return self._regional("sns", f"{self.prefix}--*")

    @property
    def any_queue_arn(self) -> str:
        """All SQS queues of the environment, as an ARN pattern."""
        return self._regional("sqs", f"{self.prefix}--*")

    @property
    def any_alarm_arn(self) -> str:
        """All CloudWatch alarms of the account and region."""
        return self._regional("cloudwatch", "alarm:*")

    # --- catalog

    def database(self, owner: str) -> str:
        """A Glue database's name: lower case, digits and ``_``, which Athena needs."""
        return f"{snake(self.prefix)}__{snake(owner)}__lakehouse"

    @staticmethod
    def lake_tag(tenant: str) -> str:
        """The key of a tenant's tag in Lake Formation, whose value on a table is who may see it.

        At most 50 characters, none of them a capital (Lake Formation Developer Guide, "Tag-based
        access control notes and restrictions").
        """
        return f"tenant-{tenant}"

    @staticmethod
    def table_prefix(tenant: str) -> str:
        """What the names of a tenant's tables in a shared database start with."""
        return f"{snake(tenant)}__"

    # --- ARNs

    def key_alias_arn(self, owner: str) -> str:
        """The ARN of ``key_alias(owner)``."""
        return self._regional("kms", self.key_alias(owner))

    @property
    def any_key_arn(self) -> str:
        """All keys of the account and region: key ids are not known before they exist, so a
        grant that uses this must be bound by ``kms:ResourceAliases``.
        """
        return self._regional("kms", "key/*")

    def glue_arn(self, resource: str) -> str:
        """``resource`` is ``catalog``, ``database/<name>`` or ``table/<database>/<pattern>``."""
        return self._regional("glue", resource)

    def bucket_arn(self, bucket: str) -> str:
        """``bucket`` is a name, or a pattern of names."""
        return f"arn:{self.partition}:s3:::{bucket}"

    def objects_arn(self, bucket: str, prefix: str = "") -> str:
        """All objects of ``bucket`` under ``prefix``, which is empty or ends with ``/``."""
        return f"{self.bucket_arn(bucket)}/{prefix}*"

    @property
    def platform_roles_arn(self) -> str:
        """All roles of the platform, as an ARN pattern."""
        return self._iam(f"role/{self.prefix}/{PLATFORM}/*")

    @property
    def any_task_arn(self) -> str:
        """All ECS tasks of the account and region: what a run role's trust is bound to."""
        return self._regional("ecs", "*")

    @property
    def any_flow_log_arn(self) -> str:
        """All flow logs of the account and region."""
        return self._regional("ec2", "vpc-flow-log/*")

    @property
    def any_log_arn(self) -> str:
        """All that CloudWatch Logs has in the account and region."""
        return self._regional("logs", "*")

    def repositories_arn(self, registry: str) -> str:
        """All image repositories of the account ``registry`` in the region."""
        return f"arn:{self.partition}:ecr:{self.region}:{registry}:repository/*"

    @property
    def image_layers_arn(self) -> str:
        """What ECR keeps the layers of images in, a bucket of AWS's own in the region."""
        return self.objects_arn(f"prod-{self.region}-starport-layer-bucket")

    def _balancing(self, resource: str) -> str:
        return self._regional("elasticloadbalancing", resource)

    def _iam(self, resource: str) -> str:
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def _regional(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"
