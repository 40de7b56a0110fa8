"""Every bucket is encrypted with a key of whose the bucket is."""

from collections.abc import Iterator

from isolation.graph import Graph, Resource
from isolation.inventory import tags
from policies.links import Links
from policies.rule import EstateRule, Fault, Settings

_BUCKET = "aws:s3/bucket:Bucket"
_ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
_KEY, _ALIAS = "aws:kms/key:Key", "aws:kms/alias:Alias"


def _find(graph: Graph, settings: Settings) -> Iterator[Fault]:
    links = Links(graph)
    encrypted = set()
    for resource in graph.resources:
        if resource.type != _ENCRYPTION:
            continue
        buckets = links.of(resource, "bucket", _BUCKET)
        encrypted |= {bucket.urn for bucket in buckets}
        keys = _keys(links, resource)
        if not keys:
            yield Fault(resource, "encrypts with no key of this program's")
        for bucket in buckets:
            for key in keys:
                mine, theirs = (tags(one).get(settings.tag) for one in (bucket, key))
                if mine != theirs:
                    yield Fault(resource, f"encrypts what is {mine}'s with a key of {theirs}")
    for resource in graph.resources:
        if resource.type == _BUCKET and resource.urn not in encrypted:
            yield Fault(resource, "has no default encryption")


def _keys(links: Links, resource: Resource) -> list[Resource]:
    found = links.of(resource, "rules", _KEY)
    for alias in links.of(resource, "rules", _ALIAS):
        found += links.of(alias, "targetKeyId", _KEY)
    return found


RULE = EstateRule(
    name="key-of-the-tenant",
    description="A bucket is encrypted by KMS with a key of the same tenant.",
    remedy="give `kms_master_key_id` the tenant's own key or alias",
    find=_find,
)
