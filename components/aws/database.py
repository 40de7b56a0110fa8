"""A PostgreSQL database for services, and its users: no password passes through the program."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import Archive, Asset, AssetArchive, FileAsset, Input, Output, ResourceOptions

from components.aws.archive import installed, sources
from components.aws.network import HTTPS, Network
from components.aws.parts import DatabaseParts
from components.aws.security_group import Flow, ServiceGroup, ServiceGroupArgs
from components.aws.service import claims_of
from tenancy.audit_roles import service_trust
from tenancy.claims import Claims
from tenancy.database import (
    BACKUP_DAYS,
    CERTIFICATE_AUTHORITY,
    ENGINE_VERSION,
    LEAST_FREE_BYTES,
    LOG_RETENTION_DAYS,
    MASTER_USER,
    PARAMETER_FAMILY,
    PARAMETERS,
    PORT,
    ROTATION_DAYS,
    database_spec,
    database_users_statements,
    rotated_secrets_arn,
    secrets_prefix,
)
from tenancy.database_names import database_name
from tenancy.grants import PolicyKind, render
from tenancy.names import Names, ServiceKind

USERS = ServiceKind.DATABASE_USERS
KINDS = (ServiceKind.NESSIE, ServiceKind.DAGSTER)
"""The services that have users."""

FUNCTION_SECONDS = 120
SECRET_RECOVERY_DAYS = 30

_ROOT = Path(__file__).parents[2]
_CODE = "pipelines/database_users"
_AUTHORITIES = f"{_CODE}/authorities"
# pg8000 and all that it imports; what the function's runtime has of them may be another version.
_DRIVER = ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six")


@dataclass(frozen=True)
class DatabaseArgs:
    """``owner``: ``PLATFORM``, or the one tenant whose account it is. ``alerts_topic_arn``: who is
    told when its users cannot be made, or its disk is nearly full.
    """

    names: Names
    owner: str
    network: Network
    alerts_topic_arn: Input[str]


class Database(pulumi.ComponentResource):
    """One instance, private and encrypted, and the function that makes its users.

    It is encrypted with the AWS managed key of RDS: nobody can change who may use that one, and a
    snapshot that it encrypts cannot be shared with another account (RDS User Guide, "Sharing
    encrypted snapshots").
    """

    parts: DatabaseParts

    def __init__(self, name: str, args: DatabaseArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Database", name, None, opts)
        self._name, self._args, self._child = name, args, ResourceOptions(parent=self)
        self._group_id = self._group()
        instance = self._instance()
        self.parts = DatabaseParts(
            group_id=self._group_id,
            address=instance.address,
            users_function_arn=self._function(instance),
        )
        self._alarms()
        self.register_outputs({"claims": self._claims().to_json()})

    def _group(self) -> Output[str]:
        args = self._args
        # By range, not by group: a group has 60 rules at most (Amazon VPC quotas). What may go out
        # to this group is in the rules of each caller.
        return ServiceGroup(
            f"{self._name}-group",
            ServiceGroupArgs(
                args.names,
                args.owner,
                "database",
                args.network.parts.vpc_id,
                ingress=(Flow("network", PORT, cidr=args.network.cidr),),
            ),
            self._child,
        ).group_id

    def _instance(self) -> aws.rds.Instance:
        name, names, owner = self._name, self._args.names, self._args.owner
        identifier, spec = names.database_instance(owner), database_spec(owner)
        subnets = aws.rds.SubnetGroup(
            f"{name}-subnets",
            name=identifier,
            description=f"Private subnets of {owner}",
            subnet_ids=self._args.network.parts.subnet_ids,
            opts=self._child,
        )
        parameters = aws.rds.ParameterGroup(
            f"{name}-parameters",
            name=identifier,
            description=f"TLS and SCRAM only, for {owner}",
            family=PARAMETER_FAMILY,
            parameters=[
                {"name": key, "value": value, "apply_method": "immediate"}
                for key, value in PARAMETERS
            ],
            opts=self._child,
        )
        return aws.rds.Instance(
            f"{name}-instance",
            identifier=identifier,
            engine="postgres",
            engine_version=ENGINE_VERSION,
            auto_minor_version_upgrade=True,
            instance_class=spec.instance_class,
            allocated_storage=spec.storage_gb,
            storage_type="gp3",
            storage_encrypted=True,
            multi_az=spec.multi_az,
            username=MASTER_USER,
            manage_master_user_password=True,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[self._group_id],
            publicly_accessible=False,
            parameter_group_name=parameters.name,
            ca_cert_identifier=CERTIFICATE_AUTHORITY,
            iam_database_authentication_enabled=False,
            backup_retention_period=BACKUP_DAYS,
            copy_tags_to_snapshot=True,
            deletion_protection=True,
            skip_final_snapshot=False,
            final_snapshot_identifier=f"{identifier}-final",
            opts=ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )

    def _function(self, instance: aws.rds.Instance) -> Output[str]:
        """The function's ARN, known when Secrets Manager may call it."""
        name, names, owner = self._name, self._args.names, self._args.owner
        grants = database_users_statements(names, owner)
        boundary = aws.iam.Policy(
            f"{name}-users-boundary",
            name=names.database_users_boundary(owner),
            path=names.boundary_path,
            description=f"The most that what makes the database users of {owner} may ever do",
            policy=render(grants, PolicyKind.MANAGED),
            opts=self._child,
        )
        function_arn = names.function_arn(owner, USERS)
        role = aws.iam.Role(
            f"{name}-users-role",
            name=names.service_role(owner, USERS),
            path=names.service_path,
            description=f"{USERS} of {owner}",
            assume_role_policy=render(
                service_trust("lambda", names, function_arn), PolicyKind.TRUST
            ),
            permissions_boundary=boundary.arn,
            opts=self._child,
        )
        granted = aws.iam.RolePolicy(
            f"{name}-users-grants",
            name="grants",
            role=role.name,
            policy=render(grants, PolicyKind.INLINE),
            opts=self._child,
        )
        log = aws.cloudwatch.LogGroup(
            f"{name}-users-log",
            name=names.log_group(owner, USERS),
            retention_in_days=LOG_RETENTION_DAYS,
            opts=self._child,
        )
        network = self._args.network.parts
        group = ServiceGroup(
            f"{name}-users",
            ServiceGroupArgs(
                names,
                owner,
                USERS,
                network.vpc_id,
                egress=(
                    Flow("database", PORT, group_id=self._group_id),
                    Flow("endpoints", HTTPS, group_id=network.endpoints_group_id),
                ),
            ),
            self._child,
        )
        function = aws.lambda_.Function(
            f"{name}-users-function",
            name=names.task_family(owner, USERS),
            description="Makes the users of the database and rotates their secrets",
            runtime="python3.13",
            handler="pipelines.database_users.handler.handle",
            code=AssetArchive(self._code()),
            role=role.arn,
            timeout=FUNCTION_SECONDS,
            memory_size=256,
            environment={"variables": self._environment(instance)},
            vpc_config={
                "subnet_ids": network.subnet_ids,
                "security_group_ids": [group.group_id],
            },
            logging_config={"log_format": "Text", "log_group": log.name},
            # Lambda refuses a function in a network whose role may not make interfaces yet.
            opts=ResourceOptions(parent=self, depends_on=[granted]),
        )
        permission = aws.lambda_.Permission(
            f"{name}-users-permission",
            statement_id="SecretsManager",
            function=function.name,
            action="lambda:InvokeFunction",
            principal="secretsmanager.amazonaws.com",
            source_account=names.account_id,
            # One for all secrets: a function's policy has 20 KB at most (Lambda quotas).
            source_arn=rotated_secrets_arn(names, owner),
            opts=self._child,
        )
        return Output.all(function.arn, permission.id).apply(lambda known: str(known[0]))

    def _environment(self, instance: aws.rds.Instance) -> Mapping[str, Input[str]]:
        names, owner = self._args.names, self._args.owner
        return {
            "DATABASE_HOST": instance.address,
            "DATABASE_PORT": str(PORT),
            "DATABASE_AUTHORITIES": f"authorities/{names.region}.pem",
            "MASTER_SECRET": instance.master_user_secrets.apply(
                lambda secrets: str(secrets[0].secret_arn)
            ),
            "SECRETS_PREFIX": secrets_prefix(names, owner),
            "KINDS": ",".join(KINDS),
        }

    def _code(self) -> dict[str, Asset | Archive]:
        region = self._args.names.region
        authorities = f"{_AUTHORITIES}/{region}.pem"
        code = {
            **installed(*_DRIVER),
            **sources(
                _ROOT,
                "pipelines/__init__.py",
                _CODE,
                "tenancy/__init__.py",
                "tenancy/database_names.py",
            ),
        }
        if (_ROOT / authorities).exists():
            return {**code, authorities: FileAsset(str(_ROOT / authorities))}
        pulumi.log.warn(
            f"nobody vouches for databases in {region}: their users cannot be made, since the"
            f" server's certificate is not checked. Put the certificate bundle of {region} (RDS"
            f' User Guide, "Certificate bundles by AWS Region") at {authorities}',
            self,
        )
        return code

    def _alarms(self) -> None:
        names, owner = self._args.names, self._args.owner
        self._alarm(
            "failed",
            "A user's password could not be changed, or the user not be made",
            "AWS/Lambda",
            "Errors",
            {"FunctionName": names.task_family(owner, USERS)},
            statistic="Sum",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=1,
        )
        self._alarm(
            "disk",
            "The disk of the database is nearly full",
            "AWS/RDS",
            "FreeStorageSpace",
            {"DBInstanceIdentifier": names.database_instance(owner)},
            statistic="Minimum",
            comparison="LessThanThreshold",
            threshold=LEAST_FREE_BYTES,
        )

    def _alarm(  # noqa: PLR0913 - an alarm is all of these
        self,
        what: str,
        description: str,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, str],
        *,
        statistic: str,
        comparison: str,
        threshold: int,
    ) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{what}-alarm",
            name=self._args.names.alarm(self._args.owner, USERS, what),
            alarm_description=description,
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            statistic=statistic,
            period=300,
            evaluation_periods=1,
            threshold=threshold,
            comparison_operator=comparison,
            treat_missing_data="notBreaching",
            alarm_actions=[self._args.alerts_topic_arn],
            opts=self._child,
        )

    def _claims(self) -> Claims:
        names, owner = self._args.names, self._args.owner
        role = names.service_role_arn(owner, USERS)
        owns = (
            names.database_instance_arn(owner),
            role,
            names.database_users_boundary_arn(owner),
            names.function_arn(owner, USERS),
            names.log_group_arn(owner, USERS),
            names.alarm_arn(owner, USERS, "failed"),
            names.alarm_arn(owner, USERS, "disk"),
        )
        reason = (
            "makes the users of the platform's database: it writes the secret of each tenant's, and"
            " reads what it wrote to try it"
        )
        return claims_of(owner, owns, (role,), reason)


@dataclass(frozen=True)
class DatabaseUserArgs:
    """``owner``: a tenant or ``PLATFORM``; ``kind``: the service that is the user.

    Raises:
        ValueError: the function would make no users for ``kind``.
    """

    database: DatabaseParts
    names: Names
    owner: str
    kind: ServiceKind

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no users are made for {self.kind}, only for {', '.join(KINDS)}")


class DatabaseUser(pulumi.ComponentResource):
    """A user with a database of its own, and the secret that says how it comes in.

    ``secret_arn`` is known when the first rotation, which makes the user, was asked for. The value
    is ``{"username", "password", "host", "port", "dbname"}`` and only the function writes it.
    """

    secret_arn: Output[str]
    database_name: str

    def __init__(
        self, name: str, args: DatabaseUserArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:DatabaseUser", name, None, opts)
        names, owner, kind = args.names, args.owner, args.kind
        self.database_name = database_name(owner, kind)
        secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            name=names.secret(owner, kind),
            description=f"How {kind} of {owner} comes into its database",
            recovery_window_in_days=SECRET_RECOVERY_DAYS,
            opts=ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )
        rotation = aws.secretsmanager.SecretRotation(
            f"{name}-rotation",
            secret_id=secret.arn,
            rotation_lambda_arn=args.database.users_function_arn,
            rotate_immediately=True,
            rotation_rules={"automatically_after_days": ROTATION_DAYS},
            opts=ResourceOptions(parent=self),
        )
        self.secret_arn = Output.all(secret.arn, rotation.id).apply(lambda known: str(known[0]))
        claims = claims_of(
            owner, (names.secret_arn(owner, kind),), (), f"the secret of the platform's {kind}"
        )
        self.register_outputs({"claims": claims.to_json()})
