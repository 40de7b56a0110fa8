"""Who may read an account's registry, and that only who deploys writes it.

It says whom services serve and where, so a tenant that could write it would be served as another:
no principal of a tenant passes the fence, not even to read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tenancy.fences import (
    CRYPTOGRAPHY,
    KEY_CONTROL,
    deny,
    iam_decides,
    platform_principals,
    without_tls,
)
from tenancy.grants import Conditions, Statement
from tenancy.names import PLATFORM, REGISTRY_PREFIX, Names, ServiceKind

_READING = ("s3:GetObject", "s3:ListBucket")
_LOOKING = (*_READING, "s3:GetObjectVersion", "s3:ListBucketVersions", "s3:GetBucketLocation")
_READERS = (ServiceKind.DAGSTER_CODE, ServiceKind.DAGSTER_DAEMON, ServiceKind.AUDIT_ROUTER)


def registry_readers(names: Names, owner: str) -> tuple[str, ...]:
    """The roles of those who serve the tenants of an account, as ARNs."""
    kinds = (*_READERS, *((ServiceKind.GATEWAY,) if owner == PLATFORM else ()))
    return tuple(names.service_role_arn(owner, kind) for kind in kinds)


def registry_arns(names: Names, owner: str) -> tuple[str, str]:
    """The ARNs of the bucket and of its entries."""
    bucket = names.registry_bucket(owner)
    return names.bucket_arn(bucket), names.objects_arn(bucket, REGISTRY_PREFIX)


def registry_statements(names: Names, owner: str) -> tuple[Statement, ...]:
    """What lets a service read it."""
    bucket, entries = registry_arns(names, owner)
    account = {"s3:ResourceAccount": names.account_id}
    return (
        Statement("Registry", "Allow", ("s3:GetObject",), (entries,), {"StringEquals": account}),
        Statement(
            "RegistryList",
            "Allow",
            ("s3:ListBucket",),
            (bucket,),
            {"StringEquals": {**account, "s3:prefix": REGISTRY_PREFIX}},
        ),
        Statement(
            "RegistryKey",
            "Allow",
            ("kms:Decrypt",),
            (names.any_key_arn,),
            {
                "ForAnyValue:StringEquals": {
                    "kms:ResourceAliases": names.registry_key_alias(owner)
                },
                "StringEquals": {
                    "kms:ViaService": names.via("s3"),
                    # Of the bucket, since bucket keys are on (S3 User Guide, "Bucket Keys").
                    "kms:EncryptionContext:aws:s3:arn": bucket,
                },
            },
        ),
    )


@dataclass(frozen=True)
class RegistryFence:
    """The fence around the registry of ``owner``: the platform, or a hard tenant.

    ``deployers`` run the program. Its policies are of constant size.
    """

    names: Names
    owner: str
    deployers: Sequence[str]

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.names.registry_bucket(self.owner)

    def bucket_statements(self) -> tuple[Statement, ...]:
        """The bucket policy."""
        everything = (self.names.bucket_arn(self.bucket), self.names.objects_arn(self.bucket))
        return (
            without_tls("s3:*", everything),
            deny("DenyStrangers", self._strangers, ("s3:*",), everything),
            deny("DenyWriting", _but(self.deployers), resources=everything, not_actions=_LOOKING),
        )

    def key_statements(self) -> tuple[Statement, ...]:
        """The key policy: IAM decides within the denials."""
        return (
            iam_decides(self.names),
            deny("DenyStrangers", self._strangers, CRYPTOGRAPHY, ("*",)),
            deny("DenyControl", _but(self.deployers), KEY_CONTROL, ("*",)),
        )

    @property
    def _strangers(self) -> Conditions:
        names = self.names
        readers = registry_readers(names, self.owner)
        return _but((*platform_principals(names, self.deployers), *readers))


def _but(principals: Sequence[str]) -> Conditions:
    return {"ArnNotLike": {"aws:PrincipalArn": tuple(principals)}}
