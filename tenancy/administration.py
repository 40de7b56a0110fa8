"""What the platform's administrators may do: part of the trusted base, listed in every report."""

from tenancy.grants import Statement
from tenancy.names import Names

_DATA = ("s3:*", "kms:*", "glue:*", "lakeformation:*")
_READ_IDENTITIES = ("iam:Get*", "iam:List*")
_FENCES = (
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "lakeformation:PutDataLakeSettings",
)


def administrator_statements(names: Names) -> tuple[Statement, ...]:
    """Identity policy and boundary of the platform-admin role.

    It reaches every tenant's data of the environment's account, and changes no fence: those change
    through the program only.
    """
    return (
        Statement(
            "Storage",
            "Allow",
            ("s3:*",),
            (names.bucket_arn(f"{names.prefix}--*"),),
            {"StringEquals": {"s3:ResourceAccount": names.account_id}},
        ),
        Statement(
            "Keys",
            "Allow",
            ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
            (names.any_key_arn,),
            {"ForAnyValue:StringLike": {"kms:ResourceAliases": f"alias/{names.prefix}--*"}},
        ),
        Statement("Catalog", "Allow", ("glue:*",), (names.glue_arn("*"),)),
        # Lake Formation has no resource types to grant by (Service Authorization Reference).
        Statement("Governance", "Allow", ("lakeformation:*",), ("*",)),
        Statement("Identities", "Allow", _READ_IDENTITIES, ("*",)),
        Statement("DenyFences", "Deny", _FENCES, resources=("*",)),
        Statement("DenyElse", "Deny", not_actions=_DATA + _READ_IDENTITIES, resources=("*",)),
    )
