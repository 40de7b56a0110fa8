"""What each role of a tenant may do, its boundary included: the grants, as typed statements.

Two rules keep them provable: every resource is the tenant's by name, and no pattern has a ``*``
in its middle.
"""

from typing import Protocol

from tenancy.grants import Conditions, Statement, merged
from tenancy.leaving import SUSPENDED
from tenancy.names import Names, RoleKind
from tenancy.settings import (
    LAKEHOUSE,
    METADATA,
    RESTRICTED_PREFIX,
    OwnBucket,
    SharedDatabase,
    SharedPrefix,
    TenantSettings,
)

_READ = ("s3:GetObject", "s3:GetObjectVersion")
_WRITE = (
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
METADATA_PARTS = (f"{LAKEHOUSE}{METADATA}", f"{RESTRICTED_PREFIX}{METADATA}")
METADATA_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
"""What Nessie does to a table's metadata; it lists nothing."""
# Never ListBucketMultipartUploads: it has no s3:prefix key, so it shows the keys of every tenant.
_LIST = ("s3:ListBucket", "s3:ListBucketVersions")
_DECRYPT = ("kms:Decrypt",)
_ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
_DESCRIBE_TABLES = (
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:GetTables",
    "glue:GetTableVersion",
    "glue:GetTableVersions",
    "glue:GetPartition",
    "glue:GetPartitions",
)
_SYNC_TABLES = ("glue:UpdateTable",)

BOUNDED_SERVICES = ("s3:*", "kms:*", "glue:*")
"""All that a tenant's role may ever touch. The control plane (IAM, STS, Lake Formation settings,
trails) is denied by the boundary, so that no tenant can change what fences it."""

LAKE_FORMATION_GRANTS = {
    RoleKind.READER: ("DESCRIBE", "SELECT"),
    RoleKind.WRITER: ("DELETE", "DESCRIBE", "INSERT", "SELECT"),
    RoleKind.ADMIN: ("DELETE", "DESCRIBE", "INSERT", "SELECT"),
    RoleKind.RUN: ("ALTER", "DELETE", "DESCRIBE", "INSERT", "SELECT"),
}
"""Table permissions by role. Only a run alters: it syncs the registration after a commit."""


class Stored(Protocol):
    """What a grant of storage is about: ``TenantSettings``, or whoever a session is of."""

    @property
    def names(self) -> Names:
        """The names of the environment in the account."""

    @property
    def storage(self) -> SharedPrefix | OwnBucket:
        """Bucket, prefix and key."""


def sees_restricted(kind: RoleKind) -> bool:
    """Whether the role reaches restricted columns; a merge reads what it writes, so writers do."""
    return kind is not RoleKind.READER


def role_statements(settings: TenantSettings, kind: RoleKind) -> tuple[Statement, ...]:
    """The identity policy of one role of a tenant."""
    syncs = kind is RoleKind.RUN
    return (
        *storage_statements(settings, kind),
        _tables(settings, _DESCRIBE_TABLES + _SYNC_TABLES if syncs else _DESCRIBE_TABLES),
    )


def storage_statements(stored: Stored, kind: RoleKind) -> tuple[Statement, ...]:
    """What one role may do with a tenant's files, and with the key that they are encrypted by."""
    parts = (LAKEHOUSE, RESTRICTED_PREFIX) if sees_restricted(kind) else (LAKEHOUSE,)
    writes = kind is not RoleKind.READER
    return (
        _objects(stored, parts, _READ + _WRITE if writes else _READ),
        _listing(stored, parts),
        _location(stored),
        _key(stored, parts, _ENCRYPT if writes else _DECRYPT),
    )


def metadata_statements(settings: TenantSettings) -> tuple[Statement, ...]:
    """What the tenant's own Nessie may do: read and write the tenant's table metadata, no data."""
    return (
        _objects(settings, METADATA_PARTS, METADATA_ACTIONS),
        _key(settings, METADATA_PARTS, _ENCRYPT),
    )


def metadata_arns(settings: TenantSettings) -> tuple[str, ...]:
    """The tenant's table metadata, as ARN patterns."""
    return _object_arns(settings, METADATA_PARTS)


def boundary_statements(settings: TenantSettings) -> tuple[Statement, ...]:
    """The most that any role of the tenant may ever do."""
    if settings.suspended:
        return SUSPENDED
    return (
        *storage_boundary_statements(settings),
        _tables(settings, _DESCRIBE_TABLES + _SYNC_TABLES),
    )


def storage_boundary_statements(stored: Stored) -> tuple[Statement, ...]:
    """The most that any role may ever do with files and keys: all else is denied.

    The denials are explicit because a resource policy that names a role session is limited by
    neither boundary nor session policy (IAM User Guide, "Policy evaluation logic"); a Deny always
    counts.
    """
    names, storage = stored.names, stored.storage
    own = (names.bucket_arn(storage.bucket), names.objects_arn(storage.bucket, storage.prefix))
    return (
        *storage_statements(stored, RoleKind.ADMIN),
        Statement("DenyForeignStorage", "Deny", ("s3:*",), not_resources=own),
        Statement("DenyControlPlane", "Deny", not_actions=BOUNDED_SERVICES, resources=("*",)),
    )


def _objects(stored: Stored, parts: tuple[str, ...], actions: tuple[str, ...]) -> Statement:
    return Statement("Objects", "Allow", actions, _object_arns(stored, parts), _own_account(stored))


def _listing(stored: Stored, parts: tuple[str, ...]) -> Statement:
    storage = stored.storage
    prefixes = tuple(f"{storage.prefix}{part}*" for part in parts)
    return Statement(
        "Listing",
        "Allow",
        _LIST,
        (stored.names.bucket_arn(storage.bucket),),
        merged(_own_account(stored), {"StringLike": {"s3:prefix": prefixes}}),
    )


def _location(stored: Stored) -> Statement:
    return Statement(
        "Location",
        "Allow",
        ("s3:GetBucketLocation",),
        (stored.names.bucket_arn(stored.storage.bucket),),
        _own_account(stored),
    )


def _key(stored: Stored, parts: tuple[str, ...], actions: tuple[str, ...]) -> Statement:
    """The use of the tenant's key, or of its part of the shared one, through S3 only."""
    names, storage = stored.names, stored.storage
    conditions: Conditions = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": storage.key_alias},
        "StringEquals": {"kms:ViaService": names.via("s3")},
    }
    if isinstance(storage, SharedPrefix):
        # Separates prefixes only while bucket keys are off: then the context is the object's ARN
        # (S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys").
        context = {"kms:EncryptionContext:aws:s3:arn": _object_arns(stored, parts)}
        conditions = merged(conditions, {"StringLike": context})
    return Statement("Key", "Allow", actions, (names.any_key_arn,), conditions)


def _tables(settings: TenantSettings, actions: tuple[str, ...]) -> Statement:
    database = settings.catalog.database
    return Statement(
        "Tables",
        "Allow",
        actions,
        (
            settings.names.glue_arn("catalog"),
            settings.names.glue_arn(f"database/{database}"),
            tables_arn(settings),
        ),
    )


def tables_arn(settings: TenantSettings) -> str:
    """All Glue tables of the tenant, as an ARN pattern."""
    catalog = settings.catalog
    return settings.names.glue_arn(f"table/{catalog.database}/{catalog.table_prefix}*")


def catalog_arns(settings: TenantSettings) -> tuple[str, ...]:
    """What the tenant owns in Glue, as ARNs and ARN patterns."""
    if isinstance(settings.catalog, SharedDatabase):
        return (tables_arn(settings),)
    return (settings.names.glue_arn(f"database/{settings.catalog.database}"), tables_arn(settings))


def _object_arns(stored: Stored, parts: tuple[str, ...]) -> tuple[str, ...]:
    storage = stored.storage
    return tuple(
        stored.names.objects_arn(storage.bucket, f"{storage.prefix}{part}") for part in parts
    )


def _own_account(stored: Stored) -> Conditions:
    """Bucket names are global: a bucket of the same name in another account is not ours."""
    return {"StringEquals": {"s3:ResourceAccount": stored.names.account_id}}
