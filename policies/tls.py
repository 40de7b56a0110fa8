"""Nothing is called in plain text."""

from collections.abc import Iterator

from isolation.graph import Graph, Resource
from policies.links import Links
from policies.rule import EstateRule, Fault, NotKnownYetError, Settings
from policies.statements import listed, statements

_BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
_BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_OWN_POLICY = ("aws:sns/topic:Topic", "aws:sqs/queue:Queue")
_LISTENER = "aws:lb/listener:Listener"
_ENCRYPTED = ("HTTPS", "TLS")


def _find(graph: Graph, _: Settings) -> Iterator[Fault]:
    links = Links(graph)
    fenced = {
        bucket.urn
        for policy in graph.resources
        if policy.type == _BUCKET_POLICY and _refuses_plain_text(policy)
        for kind in _BUCKETS
        for bucket in links.of(policy, "bucket", kind)
    }
    for resource in graph.resources:
        if resource.type in _BUCKETS and resource.urn not in fenced:
            yield Fault(resource, "has no policy that denies calls without TLS")
        if resource.type in _OWN_POLICY and not _refuses_plain_text(resource):
            yield Fault(resource, "has no policy that denies calls without TLS")
        if resource.type == _LISTENER and resource.inputs.get("protocol") not in _ENCRYPTED:
            yield Fault(resource, f"speaks {resource.inputs.get('protocol')}")


def _refuses_plain_text(resource: Resource) -> bool:
    try:
        return any(
            statement.get("Effect") == "Deny"
            and "*" in str(statement.get("Principal"))
            and listed(statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport"))
            in (["false"], [False])
            for statement in statements(resource)
        )
    except NotKnownYetError:
        return True  # the update tells


RULE = EstateRule(
    name="tls-only",
    description="Buckets, topics and queues deny calls without TLS; load balancers speak TLS.",
    remedy='add a Deny for everybody on {"Bool": {"aws:SecureTransport": "false"}}, or use HTTPS',
    find=_find,
)
