"""A bucket and its key behind a fence: the one way in which this project stores data on S3."""

from dataclasses import dataclass
from operator import itemgetter
from typing import Protocol

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from tenancy.grants import PolicyKind, Statement, render

ABORT_UPLOADS_AFTER_DAYS = 7
KEEP_NONCURRENT_DAYS = 90
KEY_DELETION_WINDOW_DAYS = 30


class BucketFence(Protocol):
    """The policies of a bucket and of its key."""

    @property
    def bucket(self) -> str:
        """The bucket's name."""

    def bucket_statements(self) -> tuple[Statement, ...]:
        """The bucket policy."""

    def key_statements(self) -> tuple[Statement, ...]:
        """The key policy."""


@dataclass(frozen=True)
class FencedBucketArgs:
    """``key_alias`` includes ``alias/``; ``bucket_keys`` must be off where tenants share.

    ``lock_days``: how long no version of an object can be deleted by anybody, the account's root
    included (Object Lock in compliance mode); None: no lock.
    """

    fence: BucketFence
    key_alias: str
    bucket_keys: bool
    lock_days: int | None = None


class FencedBucket(pulumi.ComponentResource):
    """A versioned, private, TLS-only bucket encrypted with a key of its own.

    Bucket and key hold data: they are protected, and kept in the cloud if they ever leave the
    program.
    """

    key_arn: pulumi.Output[str]
    ready: pulumi.Output[str]
    """The bucket's name, known when its fence stands and what is put into it is encrypted."""

    def __init__(
        self, name: str, args: FencedBucketArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:FencedBucket", name, None, opts)
        child = ResourceOptions(parent=self)
        data = ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        fence = args.fence
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Data in {fence.bucket}",
            policy=render(fence.key_statements(), PolicyKind.KEY),
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_WINDOW_DAYS,
            opts=data,
        )
        aws.kms.Alias(f"{name}-alias", name=args.key_alias, target_key_id=key.key_id, opts=child)
        locked = True if args.lock_days else None
        bucket = aws.s3.Bucket(
            f"{name}-bucket", bucket=fence.bucket, object_lock_enabled=locked, opts=data
        )
        aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=child,
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": key.arn,
                    },
                    "bucket_key_enabled": args.bucket_keys,
                }
            ],
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "abort-old-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {
                        "days_after_initiation": ABORT_UPLOADS_AFTER_DAYS
                    },
                },
                {
                    "id": "expire-replaced-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": KEEP_NONCURRENT_DAYS},
                },
            ],
            opts=child,
        )
        policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=render(fence.bucket_statements(), PolicyKind.BUCKET),
            opts=child,
        )
        if args.lock_days:
            aws.s3.BucketObjectLockConfiguration(
                f"{name}-lock",
                bucket=bucket.bucket,
                object_lock_enabled="Enabled",
                rule={"default_retention": {"mode": "COMPLIANCE", "days": args.lock_days}},
                opts=child,
            )
        self.key_arn = key.arn
        fenced = pulumi.Output.all(bucket.bucket, encryption.id, versioning.id, policy.id)
        self.ready = fenced.apply(itemgetter(0))
        self.register_outputs({"bucket": fence.bucket, "key_arn": key.arn})
