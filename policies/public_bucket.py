"""No bucket is public."""

from collections.abc import Iterator

from isolation.graph import Resource
from policies.rule import ResourceRule, Settings, known

_BLOCKS = (
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
)
_FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_WITH_ACL = ("aws:s3/bucket:Bucket", "aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketV2:BucketV2")
_PUBLIC = ("public-read", "public-read-write", "authenticated-read")


def _find(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.type in _BLOCKS:
        for flag in _FLAGS:
            if known(resource.inputs.get(flag)) is not True:
                yield f"leaves `{flag}` open"
    elif resource.type in _WITH_ACL and known(resource.inputs.get("acl")) in _PUBLIC:
        yield f"is public by its ACL `{resource.inputs['acl']}`"


RULE = ResourceRule(
    name="no-public-bucket",
    description="No bucket has a public ACL, and a public access block blocks all four ways.",
    remedy="drop the ACL, and set all four flags of the public access block to true",
    find=_find,
)
