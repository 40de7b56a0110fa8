"""What a trail writes, nobody erases."""

from collections.abc import Iterator

from isolation.graph import Graph, Resource
from policies.links import Links
from policies.rule import EstateRule, Fault, Settings

_TRAIL, _BUCKET = "aws:cloudtrail/trail:Trail", "aws:s3/bucket:Bucket"
_LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
_LEAST_DAYS = 365
_DAYS_A_YEAR = 365


def _find(graph: Graph, _: Settings) -> Iterator[Fault]:
    links = Links(graph)
    locks = {
        bucket.urn: lock
        for lock in graph.resources
        if lock.type == _LOCK
        for bucket in links.of(lock, "bucket", _BUCKET)
    }
    for trail in graph.resources:
        if trail.type != _TRAIL:
            continue
        for bucket in links.of(trail, "s3BucketName", _BUCKET):
            if bucket.urn not in locks:
                yield Fault(bucket, f"keeps what {trail.name} records and has no Object Lock")
            elif not _keeps(locks[bucket.urn]):
                yield Fault(locks[bucket.urn], "may be lifted, or ends within a year")


def _keeps(lock: Resource) -> bool:
    retention = (lock.inputs.get("rule") or {}).get("defaultRetention") or {}
    days = (retention.get("days") or 0) + _DAYS_A_YEAR * (retention.get("years") or 0)
    return retention.get("mode") == "COMPLIANCE" and int(days) >= _LEAST_DAYS


RULE = EstateRule(
    name="audit-locked",
    description="A trail's bucket has Object Lock in compliance mode for a year at least.",
    remedy="add a bucket_object_lock_configuration: COMPLIANCE, 365 days or more",
    find=_find,
)
