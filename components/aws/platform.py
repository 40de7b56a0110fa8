"""What the soft tenants of an environment share: a bucket with its key, a database, a Nessie."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.aws.bucket import FencedBucket, FencedBucketArgs
from components.aws.ground import Ground
from components.aws.nessie import SharedNessie, SharedNessieArgs
from components.aws.parts import LakeParts
from tenancy.claims import Claims
from tenancy.fences import Fence, platform_principals
from tenancy.names import PLATFORM, SHARED, Names, ServiceKind
from tenancy.settings import SharedNessie as SharesNessie
from tenancy.settings import TenantSettings


@dataclass(frozen=True)
class PlatformArgs:
    """``tenants``: all of the stack. ``deployers``: the ARNs of the roles that run the program."""

    names: Names
    lake: LakeParts
    ground: Ground
    tenants: Sequence[TenantSettings]
    deployers: tuple[str, ...]


class Platform(pulumi.ComponentResource):
    """The shared part. It is made whether or not a soft tenant is there, so that adding the first
    one changes nothing else.
    """

    def __init__(self, name: str, args: PlatformArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Platform", name, None, opts)
        child = ResourceOptions(parent=self)
        names = args.names
        bucket, database = names.bucket(SHARED), names.database(SHARED)
        fence = Fence(
            names=names,
            bucket=bucket,
            platform=(
                *platform_principals(names, args.deployers),
                # It writes metadata for every soft tenant; its own grants say where.
                names.service_role_arn(PLATFORM, ServiceKind.NESSIE),
            ),
            tenant=None,
        )
        # Bucket keys off: the encryption context is then the object's ARN, which tells tenants
        # apart; with bucket keys it would be the bucket's.
        FencedBucket(
            f"{name}-shared",
            FencedBucketArgs(fence, names.key_alias(SHARED), bucket_keys=False),
            child,
        )
        shared = aws.glue.CatalogDatabase(
            f"{name}-database",
            name=database,
            description="Tables of the soft tenants",
            catalog_id=args.lake.catalog_id,
            opts=child,
        )
        self.shared_database = shared.name
        sharing = [each for each in args.tenants if isinstance(each.nessie, SharesNessie)]
        SharedNessie(f"{name}-nessie", SharedNessieArgs(args.ground, sharing), child)
        claims = Claims(
            tenant=None,
            owns=(
                names.bucket_arn(bucket),
                names.key_alias_arn(SHARED),
                names.glue_arn(f"database/{database}"),
            ),
            reason="the soft tenants' shared bucket, key and database; each tenant owns its prefix",
        )
        self.register_outputs({"claims": claims.to_json()})
