"""The database that services keep their state in, and who makes its users: decisions as data."""

from dataclasses import dataclass

from tenancy.grants import Statement
from tenancy.names import PLATFORM, Names, ServiceKind
from tenancy.services import WRITE_LOGS

PORT = 5432
ENGINE_VERSION = "17"
"""The major version: RDS chooses the minor one and renews it."""

PARAMETER_FAMILY = "postgres17"

MASTER_USER = "master"
"""Makes databases and users; RDS keeps its password (RDS User Guide, "Password management")."""

CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
"""The function that makes users has its roots, by region (RDS User Guide, "Using SSL")."""

PARAMETERS: tuple[tuple[str, str], ...] = (
    # RDS User Guide, "Using SSL with a PostgreSQL DB instance" and "Using SCRAM".
    ("rds.force_ssl", "1"),
    ("rds.accepted_password_auth_method", "scram"),
    ("password_encryption", "scram-sha-256"),
    ("ssl_min_protocol_version", "TLSv1.2"),
    ("log_connections", "1"),
    ("log_disconnections", "1"),
)
"""Settings of PostgreSQL: TLS and SCRAM or nothing, and a record of who came and went."""

BACKUP_DAYS = 35
"""How far back the database can be set; RDS keeps at most 35 days ("Working with backups")."""

ROTATION_DAYS = 90
"""How often a user's password changes. A service reads it when it starts, and what it has then
holds for one whole period more: it must be started anew at least that often."""

LOG_RETENTION_DAYS = 365
LEAST_FREE_BYTES = 2 * 1024**3

_ROTATE = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
# Lambda Developer Guide, "Giving Lambda functions access to resources in a VPC".
_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


@dataclass(frozen=True)
class DatabaseSpec:
    """One RDS instance. ``storage_gb`` in GiB; ``multi_az``: with a standby in another zone."""

    instance_class: str
    storage_gb: int
    multi_az: bool


def database_spec(owner: str) -> DatabaseSpec:
    """The instance of ``owner``: the platform's serves every tenant that lives with it.

    PostgreSQL on RDS takes as many connections as its memory has 9,531,392 bytes ("Quotas", maximum
    number of connections): some 430 on 4 GiB, 210 on 2 GiB.
    """
    if owner == PLATFORM:
        return DatabaseSpec("db.t4g.medium", storage_gb=50, multi_az=True)
    return DatabaseSpec("db.t4g.small", storage_gb=20, multi_az=True)


def secrets_prefix(names: Names, owner: str) -> str:
    """What the names of the secrets start with whose users the instance of ``owner`` has."""
    return f"{names.prefix}/" if owner == PLATFORM else names.secret(owner, "")


def rotated_secrets_arn(names: Names, owner: str) -> str:
    """All secrets under ``secrets_prefix``, as an ARN pattern."""
    return names.any_secret_arn if owner == PLATFORM else names.secrets_arn(owner)


def database_users_statements(names: Names, owner: str) -> tuple[Statement, ...]:
    """What the function that makes users may do: read the master's secret of this instance, write
    the secrets that it is the rotation function of.
    """
    function = names.function_arn(owner, ServiceKind.DATABASE_USERS)
    log = names.log_group_arn(owner, ServiceKind.DATABASE_USERS)
    return (
        Statement(
            "Users",
            "Allow",
            _ROTATE,
            (rotated_secrets_arn(names, owner),),
            # Service Authorization Reference, "AWS Secrets Manager", condition keys.
            {"StringEquals": {"secretsmanager:resource/AllowRotationLambdaArn": function}},
        ),
        Statement(
            "Master",
            "Allow",
            ("secretsmanager:GetSecretValue",),
            (names.master_secrets_arn,),
            # RDS tags the secret with its instance (RDS User Guide, "Password management").
            {
                "StringEquals": {
                    "aws:ResourceTag/aws:rds:primaryDBInstanceArn": names.database_instance_arn(
                        owner
                    )
                }
            },
        ),
        Statement("Logs", "Allow", WRITE_LOGS, (f"{log}:*",)),
        # Lambda itself needs these to reach the network; the function's code does not.
        Statement("Network", "Allow", _INTERFACES, ("*",)),
        Statement(
            "DenyNetworkToCode",
            "Deny",
            _INTERFACES,
            ("*",),
            {"ArnEquals": {"lambda:SourceFunctionArn": function}},
        ),
    )
