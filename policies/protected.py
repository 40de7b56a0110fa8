"""What holds data is not deleted by an edit."""

from collections.abc import Iterator

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings

_DATA = frozenset(
    {
        "aws:dynamodb/table:Table",
        "aws:kms/key:Key",
        "aws:rds/cluster:Cluster",
        "aws:rds/instance:Instance",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketV2:BucketV2",
        "aws:secretsmanager/secret:Secret",
    }
)


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.type in _DATA and not resource.protected:
        yield "holds data, or the key to data, and is not protected"


RULE = ResourceRule(
    name="data-protected",
    description="Buckets, databases, keys and secrets are protected from deletion.",
    remedy="give it ResourceOptions(protect=True)",
    find=_find,
)
