"""Resource policies of buckets and keys: denials that hold whatever any role is granted.

They are of constant size. A shared bucket or key tells tenants apart by the tag ``tenant`` of the
calling role, which only the platform may set: no tenant's role may tag roles or sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tenancy.grants import Conditions, Statement, merged
from tenancy.names import Names

TENANT_TAG = "aws:PrincipalTag/tenant"
CRYPTOGRAPHY = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
    "kms:CreateGrant",
)


@dataclass(frozen=True)
class Fence:
    """A fence around a bucket and its key.

    ``tenant`` is the owner's id, or None for the shared bucket. ``platform`` are the ARNs or ARN
    patterns of the principals that the fence lets through.
    """

    names: Names
    bucket: str
    platform: tuple[str, ...]
    tenant: str | None

    @property
    def _own(self) -> str:
        return self.tenant or f"${{{TENANT_TAG}}}"

    def _outsiders(self, conditions: Conditions) -> Conditions:
        return merged(conditions, {"ArnNotLike": {"aws:PrincipalArn": self.platform}})

    @property
    def _strangers(self) -> Conditions:
        """True for a caller without the tag and, in a bucket of one tenant, with another's."""
        if self.tenant is None:
            return self._outsiders({"Null": {TENANT_TAG: "true"}})
        # A negated operator is true where the key is missing (IAM User Guide, "Conditions").
        return self._outsiders({"StringNotEquals": {TENANT_TAG: self.tenant}})

    def bucket_statements(self) -> tuple[Statement, ...]:
        """The bucket policy."""
        bucket, everything = self.names.bucket_arn(self.bucket), self.names.objects_arn(self.bucket)
        own_objects = self.names.objects_arn(self.bucket, f"{self._own}/")
        return (
            _deny(
                "DenyWithoutTls",
                ("s3:*",),
                (bucket, everything),
                {"Bool": {"aws:SecureTransport": "false"}},
            ),
            _deny("DenyStrangers", ("s3:*",), (bucket, everything), self._strangers),
            Statement(
                "DenyForeignObjects",
                "Deny",
                ("s3:*",),
                not_resources=(bucket, own_objects),
                principals="*",
                conditions=self._outsiders({}),
            ),
            _deny(
                "DenyForeignListing",
                ("s3:ListBucket", "s3:ListBucketVersions"),
                (bucket,),
                self._outsiders({"StringNotLike": {"s3:prefix": f"{self._own}/*"}}),
            ),
            Statement(
                "DenyBucketControl",
                "Deny",
                not_actions=("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"),
                resources=(bucket,),
                principals="*",
                conditions=self._outsiders({}),
            ),
            _deny(
                "DenyOtherEncryption",
                ("s3:PutObject",),
                (everything,),
                {"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "aws:kms"}},
            ),
        )

    def key_statements(self) -> tuple[Statement, ...]:
        """The key policy: IAM decides who uses the key, within the denials."""
        statements = [
            Statement(
                "IamDecides",
                "Allow",
                ("kms:*",),
                ("*",),
                principals={
                    "AWS": (f"arn:{self.names.partition}:iam::{self.names.account_id}:root",)
                },
            ),
            _deny("DenyStrangers", CRYPTOGRAPHY, ("*",), self._strangers),
            _deny(
                "DenyControl",
                ("kms:PutKeyPolicy", "kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
                ("*",),
                self._outsiders({}),
            ),
        ]
        if self.tenant is None:
            foreign = {
                "StringNotLike": {
                    "kms:EncryptionContext:aws:s3:arn": self.names.objects_arn(
                        self.bucket, f"{self._own}/"
                    )
                }
            }
            statements.append(
                _deny("DenyForeignContext", CRYPTOGRAPHY, ("*",), self._outsiders(foreign))
            )
        return tuple(statements)


def platform_principals(names: Names, deployers: Sequence[str]) -> tuple[str, ...]:
    """Who a fence lets through: the platform's roles of the account, and who runs the program."""
    return (names.platform_roles_arn, *deployers)


def _deny(
    sid: str, actions: tuple[str, ...], resources: tuple[str, ...], conditions: Conditions
) -> Statement:
    return Statement(sid, "Deny", actions, resources, conditions, principals="*")
