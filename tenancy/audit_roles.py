"""What the roles of the audit may do: the router appends, CloudTrail delivers, an auditor reads."""

from tenancy.audit import SIEM, TRAIL
from tenancy.grants import Conditions, Statement, merged
from tenancy.leaving import SUSPENDED
from tenancy.names import Names, ServiceKind
from tenancy.registry_fence import registry_arns, registry_statements
from tenancy.settings import RECORDS, TenantSettings

_WRITE_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
_RECEIVE = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
)


def service_trust(service: str, names: Names, source_arn: str) -> tuple[Statement, ...]:
    """Trust for the role that an AWS service acts with for one resource, nobody's deputy else."""
    return (
        Statement(
            "Service",
            "Allow",
            ("sts:AssumeRole",),
            principals={"Service": (f"{service}.amazonaws.com",)},
            conditions={
                "StringEquals": {"aws:SourceAccount": names.account_id},
                "ArnEquals": {"aws:SourceArn": source_arn},
            },
        ),
    )


def router_statements(names: Names, owner: str) -> tuple[Statement, ...]:
    """The router: it writes every tenant's records and tells of them, and reads none; only whose
    they are, in the registry.

    Topics and queues are granted by the environment's prefix, so that the policy keeps its size
    whatever number of tenants there is.
    """
    records = names.objects_arn(names.audit_bucket(owner), RECORDS)
    alias = names.audit_key_alias(owner)
    return (
        Statement(
            "Append",
            "Allow",
            ("s3:PutObject", "s3:PutObjectRetention"),
            (records,),
            {"StringEquals": {"s3:ResourceAccount": names.account_id}},
        ),
        Statement(
            "EncryptRecords",
            "Allow",
            ("kms:GenerateDataKey",),
            (names.any_key_arn,),
            _through("s3", names, alias, records),
        ),
        # SNS asks both of a publisher to an encrypted topic (its guide, "Key management").
        Statement(
            "EncryptAlerts",
            "Allow",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            (names.any_key_arn,),
            _through("sns", names, alias),
        ),
        # Whose a key is, is told by its alias; listing has no resource to grant by.
        Statement("KeyNames", "Allow", ("kms:ListAliases",), ("*",)),
        Statement(
            "Tell",
            "Allow",
            ("sns:Publish", "sqs:GetQueueUrl", "sqs:SendMessage"),
            (names.any_topic_arn, names.any_queue_arn),
        ),
        Statement(
            "Logs",
            "Allow",
            _WRITE_LOGS,
            (f"{names.log_group_arn(owner, ServiceKind.AUDIT_ROUTER)}:*",),
        ),
        *registry_statements(names, owner),
    )


def delivery_statements(names: Names, owner: str) -> tuple[Statement, ...]:
    """What CloudTrail needs to deliver to the log group; of an organization's trail the streams
    start with the organization's id.
    """
    return (
        Statement("Deliver", "Allow", _WRITE_LOGS, (f"{names.log_group_arn(owner, TRAIL)}:*",)),
    )


def auditor_statements(settings: TenantSettings) -> tuple[Statement, ...]:
    """The auditor: the tenant's records, and the queue of its SIEM where there is one."""
    names, audit = settings.names, settings.audit
    account: Conditions = {"StringEquals": {"s3:ResourceAccount": names.account_id}}
    records = names.objects_arn(audit.bucket, audit.prefix)
    bucket = names.bucket_arn(audit.bucket)
    statements = [
        Statement(
            "Records",
            "Allow",
            ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"),
            (records,),
            account,
        ),
        Statement(
            "Listing",
            "Allow",
            ("s3:ListBucket", "s3:ListBucketVersions"),
            (bucket,),
            merged(account, {"StringLike": {"s3:prefix": f"{audit.prefix}*"}}),
        ),
        Statement("Location", "Allow", ("s3:GetBucketLocation",), (bucket,), account),
        Statement(
            "Key",
            "Allow",
            ("kms:Decrypt",),
            (names.any_key_arn,),
            _through("s3", names, audit.key_alias, records),
        ),
    ]
    if settings.tenant.audit.siem:
        statements.append(
            Statement("Siem", "Allow", _RECEIVE, (names.queue_arn(settings.id, SIEM),))
        )
    return tuple(statements)


def writers_boundary_statements(names: Names, owner: str) -> tuple[Statement, ...]:
    """The most that the router and the delivery may ever do."""
    grants = (*router_statements(names, owner), *delivery_statements(names, owner))
    records = names.objects_arn(names.audit_bucket(owner), RECORDS)
    return _bounded(grants, (records, *registry_arns(names, owner)))


def auditor_boundary_statements(settings: TenantSettings) -> tuple[Statement, ...]:
    """The most that the auditor may ever do."""
    if settings.suspended:
        return SUSPENDED
    names, audit = settings.names, settings.audit
    own = (names.bucket_arn(audit.bucket), names.objects_arn(audit.bucket, audit.prefix))
    return _bounded(auditor_statements(settings), own)


def _bounded(grants: tuple[Statement, ...], storage: tuple[str, ...]) -> tuple[Statement, ...]:
    """``grants`` with explicit denials of all else: a resource policy that names a session is
    limited by a Deny only, as ``access.boundary_statements`` says.
    """
    granted = tuple(dict.fromkeys(action for statement in grants for action in statement.actions))
    return (
        *grants,
        Statement("DenyForeignStorage", "Deny", ("s3:*",), not_resources=storage),
        Statement("DenyElse", "Deny", not_actions=granted, resources=("*",)),
    )


def _through(service: str, names: Names, alias: str, objects: str | None = None) -> Conditions:
    """The use of the key ``alias`` through one service only and, if given, for ``objects``."""
    conditions: Conditions = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": alias},
        "StringEquals": {"kms:ViaService": names.via(service)},
    }
    if objects is None:
        return conditions
    return merged(conditions, {"StringLike": {"kms:EncryptionContext:aws:s3:arn": objects}})
