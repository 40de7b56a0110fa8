"""A tenant's storage: a prefix of the shared bucket, or a bucket and key of its own."""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from components.aws.bucket import FencedBucket, FencedBucketArgs
from tenancy.claims import Claims
from tenancy.fences import Fence, platform_principals
from tenancy.settings import RESTRICTED_PREFIX, OwnBucket, TenantSettings


@dataclass(frozen=True)
class TenantStorageArgs:
    """``deployers``: the ARNs of the roles that run the program in the tenant's account."""

    settings: TenantSettings
    deployers: tuple[str, ...]


class TenantStorage(pulumi.ComponentResource):
    """Where a tenant's data lies. A shared prefix needs no resource of its own, only the claim."""

    def __init__(
        self, name: str, args: TenantStorageArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tenancy:aws:TenantStorage", name, None, opts)
        settings, names = args.settings, args.settings.names
        storage = settings.storage
        owns: tuple[str, ...] = (names.objects_arn(storage.bucket, storage.prefix),)
        if isinstance(storage, OwnBucket):
            fence = Fence(
                names=names,
                bucket=storage.bucket,
                platform=platform_principals(names, args.deployers),
                tenant=settings.id,
            )
            FencedBucket(
                name,
                FencedBucketArgs(fence, storage.key_alias, bucket_keys=True),
                ResourceOptions(parent=self),
            )
            owns = (
                names.bucket_arn(storage.bucket),
                names.objects_arn(storage.bucket),
                names.key_alias_arn(settings.id),
            )
        claims = Claims(
            tenant=settings.id,
            owns=owns,
            restricted=(names.objects_arn(storage.bucket, f"{storage.prefix}{RESTRICTED_PREFIX}"),),
        )
        self.register_outputs({"claims": claims.to_json()})
