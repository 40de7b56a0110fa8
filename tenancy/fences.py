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
KEY_CONTROL = ("kms:PutKeyPolicy", "kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")
"""What decides who uses a key, beside the grants of IAM."""


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
            without_tls("s3:*", (bucket, everything)),
            deny("DenyStrangers", self._strangers, ("s3:*",), (bucket, everything)),
            deny(
                "DenyForeignObjects",
                self._outsiders({}),
                ("s3:*",),
                not_resources=(bucket, own_objects),
            ),
            deny(
                "DenyForeignListing",
                self._outsiders({"StringNotLike": {"s3:prefix": f"{self._own}/*"}}),
                ("s3:ListBucket", "s3:ListBucketVersions"),
                (bucket,),
            ),
            deny(
                "DenyBucketControl",
                self._outsiders({}),
                resources=(bucket,),
                not_actions=("s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"),
            ),
            deny(
                "DenyOtherEncryption",
                {"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "aws:kms"}},
                ("s3:PutObject",),
                (everything,),
            ),
        )

    def key_statements(self) -> tuple[Statement, ...]:
        """The key policy: IAM decides who uses the key, within the denials."""
        statements = [
            iam_decides(self.names),
            deny("DenyStrangers", self._strangers, CRYPTOGRAPHY, ("*",)),
            deny("DenyControl", self._outsiders({}), KEY_CONTROL, ("*",)),
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
                deny("DenyForeignContext", self._outsiders(foreign), CRYPTOGRAPHY, ("*",))
            )
        return tuple(statements)


def platform_principals(names: Names, deployers: Sequence[str]) -> tuple[str, ...]:
    """Who a fence lets through: the platform's roles of the account, and who runs the program."""
    return (names.platform_roles_arn, *deployers)


def iam_decides(names: Names) -> Statement:
    """What lets IAM's policies of the account grant the use of a key, within its denials."""
    root = f"arn:{names.partition}:iam::{names.account_id}:root"
    return Statement("IamDecides", "Allow", ("kms:*",), ("*",), principals={"AWS": (root,)})


def deny(  # noqa: PLR0913 - a statement is all of these
    sid: str,
    conditions: Conditions,
    actions: tuple[str, ...] = (),
    resources: tuple[str, ...] = (),
    *,
    not_actions: tuple[str, ...] = (),
    not_resources: tuple[str, ...] = (),
) -> Statement:
    """A denial to everybody for whom the conditions hold."""
    return Statement(
        sid,
        "Deny",
        actions,
        resources,
        conditions,
        "*",
        not_actions=not_actions,
        not_resources=not_resources,
    )


def without_tls(action: str, resources: tuple[str, ...]) -> Statement:
    """A denial of what is asked for in plain text."""
    plain: Conditions = {"Bool": {"aws:SecureTransport": "false"}}
    return deny("DenyWithoutTls", plain, (action,), resources)
