"""The registry of an account: the bucket where each tenant's stack says what is to know of it."""

from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions

from components.aws.bucket import FencedBucket, FencedBucketArgs
from components.aws.service import claims_of
from tenancy.names import Names
from tenancy.registry_fence import RegistryFence


@dataclass(frozen=True)
class RegistryArgs:
    """``owner``: the platform, or the hard tenant whose account it is. ``deployers``: the ARNs of
    the roles that run the program here.
    """

    names: Names
    owner: str
    deployers: tuple[str, ...]


class Registry(pulumi.ComponentResource):
    """An empty registry. ``bucket``: its name, known when nobody else can write it."""

    bucket: Output[str]

    def __init__(self, name: str, args: RegistryArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tenancy:aws:Registry", name, None, opts)
        names, owner = args.names, args.owner
        fence = RegistryFence(names, owner, args.deployers)
        bucket = FencedBucket(
            f"{name}-bucket",
            FencedBucketArgs(fence, names.registry_key_alias(owner), bucket_keys=True),
            ResourceOptions(parent=self),
        )
        self.bucket = bucket.ready
        claims = claims_of(
            owner,
            (
                names.bucket_arn(fence.bucket),
                names.objects_arn(fence.bucket),
                names.registry_key_alias_arn(owner),
            ),
            (),
            "what services must know of each tenant: they read it, and who deploys writes it",
        )
        self.register_outputs({"claims": claims.to_json()})
